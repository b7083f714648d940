// Moments as text, ISO 8601 as senders write it, to ms since 1970. The one reader of such text.
//
// Owns: which texts are instants, dates or local times, and which fields make a moment. Does not own: zones by name
// (calendar.ts), formats of a file's columns (connectors/sources/files/local-time.ts).
//
// Invariants:
//   N1. A day or time that does not exist is never taken for another: 30 February is NaN, not 1 March.
//   N2. What is accepted of any year 0000 to 9999 is the moment that Date has for its canonical form.
//
// Accepted beyond RFC 3339, since libraries write it: no seconds; an offset without minutes or colon (`+00`, `+0000`:
// PostgreSQL, `date`); `UTC` for `Z`, and a space before the zone (BigQuery, Ruby); 24:00 for the end of a day (ISO).
// A leap second, 23:59:60 UTC at the end of a month, is the second after it, as in POSIX time; any other :60 is nothing.

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Days from 1 January of the year 0 to that of 1970. */
const DAYS_TO_1970 = 719_528;
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const FRACTION_DIGITS_MAX = 9;

/** Character codes. */
const SPACE = 32;
const PLUS = 43;
const DASH = 45;
const DOT = 46;
const COLON = 58;
const LETTER_T = 84;
const LETTER_Z = 90;
const SMALL = 32;

/** Ms since 1970 of a date, a time and a zone, such as `2026-01-01T10:00:00Z`; NaN for any other text. */
export function parseInstant(text: string): number {
  const end = timeEnd(text);
  if (end === -1) return Number.NaN;
  // What JSON.stringify writes ends here: a Z and nothing more.
  const offsetMs = end === text.length - 1 && text.charCodeAt(end) === LETTER_Z ? 0 : zoneOffsetMs(text, end);
  const local = localTime(text, end, 60);
  const time = local - offsetMs;
  return end > 16 && digits(text, 17, 19) === 60 && !isAfterLeapSecond(time) ? Number.NaN : time;
}

/** Midnight, UTC, of a date alone, such as `2026-01-01`; NaN for any other text. */
export function parseDate(text: string): number {
  return text.length === 10 ? dayOf(text) * DAY_MS : Number.NaN;
}

/** A date, with or without a time, and no zone: ms since 1970 as if it were UTC; NaN for any other text. */
export function parseLocalTime(text: string): number {
  if (text.length === 10) return parseDate(text);
  return timeEnd(text) === text.length ? localTime(text, text.length, 59) : Number.NaN;
}

/** Ms since 1970 of whole numbers, the month from 1, in UTC; NaN when there is no such day or time. */
export function utcTime(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second, ms]: readonly [number, number, number, number],
): number {
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  return dayNumber(year, month, day) * DAY_MS + (hour * 60 + minute) * MINUTE_MS + second * 1_000 + ms;
}

/** Where the time of a date and a time ends; -1: the text is too short for one. Its digits are not looked at yet. */
function timeEnd(text: string): number {
  if (text.length < 16) return -1;
  if (text.charCodeAt(16) !== COLON) return 16;
  if (text.charCodeAt(19) !== DOT) return text.length < 19 ? -1 : 19;
  let end = 20;
  while (isDigit(text.charCodeAt(end))) end++;
  return end > 20 && end <= 20 + FRACTION_DIGITS_MAX ? end : -1;
}

/** Of a date and a time that end at `end`; NaN when they are not well formed or do not exist. */
function localTime(text: string, end: number, secondMax: number): number {
  const separator = text.charCodeAt(10);
  if (separator !== LETTER_T && separator !== LETTER_T + SMALL && separator !== SPACE) return Number.NaN;
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = end > 16 ? digits(text, 17, 19) : 0;
  const ms = end > 20 ? fractionMs(text, end) : 0;
  if (!(hour <= 24 && minute <= 59 && second <= secondMax) || text.charCodeAt(13) !== COLON) return Number.NaN;
  if (hour === 24 && minute + second + ms > 0) return Number.NaN;
  return dayOf(text) * DAY_MS + (hour * 60 + minute) * MINUTE_MS + second * 1_000 + ms;
}

/** Cut, not rounded: a moment is never later than it was. */
function fractionMs(text: string, end: number): number {
  const ms = digits(text, 20, Math.min(end, 23));
  return end >= 23 ? ms : end === 22 ? ms * 10 : ms * 100;
}

/** How far the zone that is all of the text from `at` on is ahead of UTC; NaN when it is not one. */
function zoneOffsetMs(text: string, at: number): number {
  const from = text.charCodeAt(at) === SPACE ? at + 1 : at;
  const length = text.length - from;
  const sign = text.charCodeAt(from);
  if (length === 1) return sign === LETTER_Z || sign === LETTER_Z + SMALL ? 0 : Number.NaN;
  if (text.startsWith('UTC', from)) return length === 3 ? 0 : Number.NaN;
  if (sign !== PLUS && sign !== DASH) return Number.NaN;
  const hasColon = length === 6 && text.charCodeAt(from + 3) === COLON;
  if (length !== 3 && length !== 5 && !hasColon) return Number.NaN;
  const hours = digits(text, from + 1, from + 3);
  const minutes = length === 3 ? 0 : digits(text, text.length - 2, text.length);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (hours * 60 + minutes) * (sign === PLUS ? MINUTE_MS : -MINUTE_MS);
}

/** The first second of a month: where POSIX time has the leap second before it. */
function isAfterLeapSecond(time: number): boolean {
  const intoDay = ((time % DAY_MS) + DAY_MS) % DAY_MS;
  return intoDay < 1_000 && new Date(time).getUTCDate() === 1;
}

/** The day that the text begins with, counted from 1970; NaN when it is not one. */
function dayOf(text: string): number {
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return Number.NaN;
  return dayNumber(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
}

function dayNumber(year: number, month: number, day: number): number {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1)) return Number.NaN;
  const before = DAYS_BEFORE_MONTH[month - 1]!;
  const days = DAYS_BEFORE_MONTH[month]! - before + (isLeapYear && month === 2 ? 1 : 0);
  if (day > days) return Number.NaN;
  const inYear = before + day - 1 + (isLeapYear && month > 2 ? 1 : 0);
  return 365 * year + leapYearsBefore(year) + inYear - DAYS_TO_1970;
}

/** From the year 0 on, which is one. */
function leapYearsBefore(year: number): number {
  const last = year - 1;
  return year === 0 ? 0 : Math.floor(last / 4) - Math.floor(last / 100) + Math.floor(last / 400) + 1;
}

/** The number that stands at [from, to), or NaN. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return Number.NaN;
    value = value * 10 + code - 48;
  }
  return value;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
