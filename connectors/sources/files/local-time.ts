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

/** What `timestampFormat` may be made of, besides the words below and text in single quotes. */
const TOKENS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  MMM: '(?<monthName>[A-Za-z]{3})',
  MM: '(?<month>\\d{2})',
  M: '(?<month>\\d{1,2})',
  DD: '(?<day>\\d{2})',
  D: '(?<day>\\d{1,2})',
  HH: '(?<hour>\\d{2})',
  H: '(?<hour>\\d{1,2})',
  hh: '(?<hourOf12>\\d{2})',
  h: '(?<hourOf12>\\d{1,2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  SSS: '(?<fraction>\\d{3})',
  SSSSSS: '(?<fraction>\\d{6})',
  A: '(?<half>[AaPp]\\.?[Mm]\\.?)',
  Z: '(?<zone>Z|UTC|GMT|[+-]\\d{2}(?::?\\d{2})?)',
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
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
    if (groups === undefined) return Number.NaN;
    const local = localTime(groups);
    return groups['zone'] === undefined ? toInstant(local) : local - offsetMs(groups['zone']);
  };
}

function formatExpression(format: string): RegExp {
  const used = new Set<string>();
  const source = format.replace(/'(?:[^']|'')*'?|([A-Za-z])\1*|[^A-Za-z']+/g, (part) => {
    if (part.startsWith("'")) return literal(part);
    if (/^[^A-Za-z]|^T$/.test(part)) return escaped(part);
    const token = TOKENS[part];
    if (token === undefined) throw new RangeError(`"${part[0]}" in the format is not known`);
    const field = /<(\w+)>/.exec(token)![1]!;
    if (used.has(field)) throw new RangeError(`${part} is in the format twice`);
    used.add(field);
    return token;
  });
  const needed: readonly (readonly [token: string, fields: readonly string[]])[] = [
    ['YYYY', ['year']],
    ['MM', ['month', 'monthName']],
    ['DD', ['day']],
  ];
  for (const [token, fields] of needed) {
    if (!fields.some((field) => used.has(field))) throw new RangeError(`${token} is missing in the format`);
  }
  for (const [one, other] of CONTRARY) {
    if (used.has(one) && used.has(other)) throw new RangeError('the format has a field in two ways');
  }
  if (used.has('hourOf12') !== used.has('half')) throw new RangeError('hh and A belong together in the format');
  return new RegExp(`^${source}$`);
}

/** Fields that say the same. */
const CONTRARY = [
  ['month', 'monthName'],
  ['hour', 'hourOf12'],
] as const;

/** Text in single quotes stands for itself, and two of them for one. */
function literal(part: string): string {
  if (part === "''") return "'";
  if (part.length < 2 || !part.endsWith("'")) throw new RangeError("a ' in the format is not closed");
  return escaped(part.slice(1, -1).replaceAll("''", "'"));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Ms of the fields as if they were UTC; NaN for a day or hour that does not exist. */
function localTime(groups: Readonly<Record<string, string | undefined>>): number {
  const { year, minute = '0', second = '0', fraction = '0' } = groups;
  const month = groups['month'] ?? MONTHS.indexOf(groups['monthName']!.toLowerCase()) + 1;
  return utcTime(
    [Number(year), Number(month), Number(groups['day'])],
    [hourOf(groups), Number(minute), Number(second), Number(fraction.slice(0, 3))],
  );
}

/** 12 AM is midnight, 12 PM noon. */
function hourOf({ hour = '0', hourOf12, half }: Readonly<Record<string, string | undefined>>): number {
  if (hourOf12 === undefined || half === undefined) return Number(hour);
  const of12 = Number(hourOf12);
  if (of12 < 1 || of12 > 12) return Number.NaN;
  return (of12 % 12) + (/^p/i.test(half) ? 12 : 0);
}

/** How far a zone is ahead of UTC; NaN when it is none. */
function offsetMs(zone: string): number {
  const parts = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (parts === null) return 0;
  const [, sign, hours, minutes = '0'] = parts;
  if (Number(hours) > 23 || Number(minutes) > 59) return Number.NaN;
  return (sign === '+' ? 1 : -1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
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
