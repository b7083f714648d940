// What text may be beyond JSON Schema's types: durations, times, percentages. A schema names one as `kind`, and a message
// about a value that is none says which words would have been right.
//
// Owns: which text is of a kind, and what was most likely meant by what is not. Does not own: finding such values
// (schema-check.ts), what the text means to whoever reads it.

import { parseDuration } from './duration.ts';
import { parseInstant } from './instant.ts';

/** Times and durations added up must stay dates that can be written; this is far below the limit. */
const DURATION_MAX_MS = 36_500 * 86_400_000;

/** Messages repeat this much of a text. */
const QUOTED_MAX = 40;

export interface Fault {
  readonly message: string;
  readonly hint: string | null;
}

export interface Kind {
  /** `"within" must be …`, where the value is no text at all. */
  readonly words: string;
  /** Null: the text is of this kind. The message goes on after the name of the value. */
  fault(text: string): Fault | null;
  /** Where the value has another type, or the text another form: what to write instead, if that can be told. */
  meant(value: unknown): string | null;
  /** Whether any text will do, so that a number in quotes is one. */
  readonly isAnyText: boolean;
}

const duration: Kind = {
  isAnyText: false,
  words: 'a duration such as 24h',
  fault(text) {
    const ms = parseDuration(text);
    if (ms === null)
      return { message: `must be a duration, not ${quoted(text)}`, hint: 'such as 90s, 5m, 24h, 7d or 2w' };
    if (ms <= 0) return { message: 'must be longer than nothing', hint: null };
    return ms > DURATION_MAX_MS ? { message: 'must be at most 36500d', hint: null } : null;
  },
  meant(value) {
    const number = numberIn(value);
    return number === null ? null : `${number}h? durations have a unit: ms, s, m, h, d or w`;
  },
};

const instant: Kind = {
  isAnyText: false,
  words: 'a time such as 2026-01-01T10:00:00Z',
  fault(text) {
    if (!Number.isNaN(parseInstant(text))) return null;
    return { message: `must be a time with its zone, not ${quoted(text)}`, hint: 'such as 2026-01-01T10:00:00Z' };
  },
  meant: () => null,
};

/** Whether it is one is said by the schema's pattern; whether it is not above 100% by its reader. */
const percentage: Kind = {
  isAnyText: false,
  words: 'a percentage such as 50%',
  fault: () => null,
  meant(value) {
    const number = numberIn(value);
    if (number === null || number > 100) return null;
    // 0.07 * 100 is 7.000000000000001.
    return `"${number < 1 ? Number((number * 100).toPrecision(12)) : number}%"`;
  },
};

/** Likewise. */
const timeOfDay: Kind = {
  isAnyText: false,
  words: 'a time of day such as "21:00"',
  fault: () => null,
  meant(value) {
    const [, hour, minute] =
      typeof value === 'string' ? (/^(\d{1,2}):(\d\d)$/.exec(value) ?? []) : hourAndMinute(value);
    if (hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59) return null;
    return `quote it, two digits: "${hour.padStart(2, '0')}:${minute}"`;
  },
};

const expression: Kind = {
  words: 'a CEL expression in quotes',
  fault: () => null,
  meant: () => null,
  isAnyText: true,
};

export const KINDS: Readonly<Record<string, Kind>> = {
  duration,
  instant,
  percentage,
  'time-of-day': timeOfDay,
  expression,
};

export function quoted(text: string): string {
  return `"${text.slice(0, QUOTED_MAX)}"`;
}

/** The positive number that the value is, or that its text is. */
function numberIn(value: unknown): number | null {
  if (typeof value === 'number') return value > 0 && Number.isFinite(value) ? value : null;
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : null;
}

/** `8` is an hour; YAML of before version 1.2 reads `8:00` as 480, whose minutes are those of the day. */
function hourAndMinute(value: unknown): readonly string[] {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return [];
  const minutes = value < 24 ? value * 60 : value;
  return ['', String(Math.floor(minutes / 60)), String(minutes % 60).padStart(2, '0')];
}
