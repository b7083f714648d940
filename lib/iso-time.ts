// ISO-8601 instants, strictly: a date, a time and a zone. What Date.parse takes beyond that is somebody's mistake.

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/** Ms since 1970 of an instant such as `2026-01-01T10:00:00Z`; NaN when it is not one (local times are not). */
export function parseInstant(text: string): number {
  // The common form `YYYY-MM-DDTHH:mm:ss.sssZ`, which JSON.stringify writes, is read by hand: it is on the hot path.
  if (text.length === 24 && text.charCodeAt(23) === 90 && text.charCodeAt(19) === 46 && text.charCodeAt(10) === 84) {
    const year = digits(text, 0, 4);
    const month = digits(text, 5, 7);
    const day = digits(text, 8, 10);
    const hour = digits(text, 11, 13);
    const minute = digits(text, 14, 16);
    const second = digits(text, 17, 19);
    const ms = digits(text, 20, 23);
    const dashes = text.charCodeAt(4) === 45 && text.charCodeAt(7) === 45;
    const colons = text.charCodeAt(13) === 58 && text.charCodeAt(16) === 58;
    if (dashes && colons && year + month + day + hour + minute + second + ms >= 0) {
      const time = Date.UTC(year, month - 1, day, hour, minute, second, ms);
      const plain = month >= 1 && month <= 12 && day >= 1 && day <= 28;
      const inRange = hour <= 23 && minute <= 59 && second <= 59 && year >= 100;
      if (plain && inRange) return time;
    }
  }
  return INSTANT.test(text) ? parseChecked(text) : Number.NaN;
}

/** Date.parse takes 30 February for 1 March: such days are refused. */
function parseChecked(text: string): number {
  const time = Date.parse(text);
  const day = digits(text, 8, 10);
  const lastDay = new Date(Date.UTC(digits(text, 0, 4), digits(text, 5, 7), 0)).getUTCDate();
  return day > lastDay ? Number.NaN : time;
}

/** The number that stands at [from, to), or NaN. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
