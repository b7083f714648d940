// Timestamps as columns of a file have them, in a time zone, to ms since 1970.
//
// Owns: the format tokens, local times of a zone. Pure; the formats are compiled once.
//
// Invariants:
//   Z1. A local time that happens twice (clocks go back) is the first; one that is skipped (clocks go forward) is as
//       much later: java.time and Temporal do the same.

import { localFields } from '../../../lib/calendar.ts';
import { parseInstant, parseLocalTime, utcTime } from '../../../lib/instant.ts';

/** Ms since 1970, or NaN when the text does not fit. */
export type TimeParser = (text: string) => number;

/** What `timestampFormat` may be made of, besides the words below. */
const TOKENS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  MM: '(?<month>\\d{2})',
  DD: '(?<day>\\d{2})',
  HH: '(?<hour>\\d{2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  SSS: '(?<milli>\\d{3})',
};
const QUARTER_HOUR_MS = 900_000;
/** Offsets remembered: six years of quarter hours. */
const OFFSETS_MAX = 200_000;

/** Throws RangeError when the format has no date in it, or an unknown letter, or the zone is not known. */
export function compileTimeFormat(format: string, zone: string): TimeParser {
  const toInstant = zone === 'UTC' ? (local: number) => local : zoneClock(zone);
  if (format === 'epoch-ms') return (text) => epoch(text, 1);
  if (format === 'epoch-s') return (text) => epoch(text, 1_000);
  if (format === 'iso') return (text) => isoTime(text, toInstant);
  const expression = formatExpression(format);
  return (text) => {
    const groups = expression.exec(text)?.groups;
    return groups === undefined ? Number.NaN : toInstant(localTime(groups));
  };
}

function formatExpression(format: string): RegExp {
  const used = new Set<string>();
  const source = format.replace(/YYYY|MM|DD|HH|mm|SSS|ss|[A-Za-z]|[^A-Za-z]/g, (part) => {
    if (TOKENS[part] === undefined) {
      // T and Z stand for themselves in ISO-like formats; other letters are most likely tokens we do not have.
      if (/[A-SU-Ya-z]/.test(part)) throw new RangeError(`"${part}" in the format is not known`);
      return part.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
    }
    if (used.has(part)) throw new RangeError(`${part} is in the format twice`);
    used.add(part);
    return TOKENS[part];
  });
  for (const needed of ['YYYY', 'MM', 'DD']) {
    if (!used.has(needed)) throw new RangeError(`${needed} is missing in the format`);
  }
  return new RegExp(`^${source}$`);
}

/** Ms of the fields as if they were UTC; NaN for a day or hour that does not exist. */
function localTime(groups: Readonly<Record<string, string>>): number {
  const { year, month, day, hour = '0', minute = '0', second = '0', milli = '0' } = groups;
  return utcTime(
    [Number(year), Number(month), Number(day)],
    [Number(hour), Number(minute), Number(second), Number(milli)],
  );
}

function isoTime(text: string, toInstant: (local: number) => number): number {
  const instant = parseInstant(text);
  return Number.isNaN(instant) ? toInstant(parseLocalTime(text)) : instant;
}

function epoch(text: string, factor: number): number {
  return /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * factor) : Number.NaN;
}

/** From a local time of the zone, given as if it were UTC, to the instant (Z1). */
function zoneClock(zone: string): (local: number) => number {
  const offsets = new Map<number, number>();
  // Zones change their offset on quarter hours only, and asking for it is slow.
  const offsetAt = (instant: number): number => {
    const quarter = Math.floor(instant / QUARTER_HOUR_MS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      const at = new Date(quarter * QUARTER_HOUR_MS);
      offset = localFields(at, zone).getTime() - at.getTime();
      if (offsets.size >= OFFSETS_MAX) offsets.clear();
      offsets.set(quarter, offset);
    }
    return offset;
  };
  offsetAt(0);
  return (local) => {
    if (Number.isNaN(local)) return local;
    // Offsets a day before and after are those on the two sides of any change near by.
    const before = offsetAt(local - 86_400_000);
    const after = offsetAt(local + 86_400_000);
    if (before === after || offsetAt(local - before) === before) return local - before;
    return offsetAt(local - after) === after ? local - after : local - before;
  };
}
