// Calendar fields of a moment in a time zone, the same on every machine whatever its own zone is (I1).

/** Zones come from profiles and events: this many formatters are kept, far more than there are zones in use. */
const ZONES_MAX = 600;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** A Date whose UTC fields are the local fields of `moment` in `zone`. Throws RangeError for an unknown zone. */
export function localFields(moment: Date, zone: string): Date {
  if (zone === 'UTC') return moment;
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(moment)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, moment.getUTCMilliseconds()));
}

/** ISO weekday of a Date's UTC fields: Monday 1 to Sunday 7. */
export function isoWeekday(local: Date): number {
  return local.getUTCDay() || 7;
}

/** Days since 1 January, from 0. */
export function dayOfYear(local: Date): number {
  return Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0, 1)) / 86_400_000);
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    if (formatters.size >= ZONES_MAX) formatters.clear();
    formatters.set(zone, formatter);
  }
  return formatter;
}
