// Calendar fields of a moment in a time zone, the same on every machine whatever its own zone is (I1).

/** Zones come from profiles and events: this many formatters are kept, far more than there are zones in use. */
const ZONES_MAX = 600;

/** Zones change their offset on quarter hours only, since 1973. */
const QUARTER_MS = 900_000;
const QUARTERS_FROM_MS = Date.UTC(1973, 0, 1);

interface Zone {
  readonly formatter: Intl.DateTimeFormat;
  /** The offset of the quarter hour that was asked for last: events of one time come together. */
  quarter: number;
  offsetMs: number;
}

const zones = new Map<string, Zone>();

/** A Date whose UTC fields are the local fields of `moment` in `zone`. Throws RangeError for an unknown zone. */
export function localFields(moment: Date, zone: string): Date {
  if (zone === 'UTC') return moment;
  const known = zoneOf(zone);
  const ms = moment.getTime();
  if (ms < QUARTERS_FROM_MS) return new Date(ms + offsetAt(moment, known.formatter));
  const quarter = Math.floor(ms / QUARTER_MS);
  if (quarter !== known.quarter) {
    known.offsetMs = offsetAt(moment, known.formatter);
    known.quarter = quarter;
  }
  return new Date(ms + known.offsetMs);
}

/** How far the zone's local time is ahead of UTC. */
function offsetAt(moment: Date, formatter: Intl.DateTimeFormat): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatter.formatToParts(moment)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const local = Date.UTC(year, month - 1, day, hour, minute, second, moment.getUTCMilliseconds());
  return local - moment.getTime();
}

/** ISO weekday of a Date's UTC fields: Monday 1 to Sunday 7. */
export function isoWeekday(local: Date): number {
  return local.getUTCDay() || 7;
}

/** Days since 1 January, from 0. */
export function dayOfYear(local: Date): number {
  return Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0, 1)) / 86_400_000);
}

function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    zone = { formatter, quarter: Number.NaN, offsetMs: 0 };
    if (zones.size >= ZONES_MAX) zones.clear();
    zones.set(name, zone);
  }
  return zone;
}
