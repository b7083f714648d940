// Local times by looking: what a clock on the wall shows, a quarter of an hour after the other.
//
// Invariants:
//   L1. The moment of a local time is the first at which the clock shows it or later: skipped by the clock, the moment of the
//       change; shown twice, the first.
//   L2. Quiet hours end at the first moment that is not quiet; hours that come twice are quiet twice.

const DAY_MS = 86_400_000;
/** Offsets change on quarter hours only: within one the clock goes evenly. */
const QUARTER_MS = 900_000;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Enough for each weekday, and a day that the calendar left out. */
const DAYS_AHEAD = 9;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** What the clock shows at `at`, as ms since 1970 as if the zone were UTC. */
export function localMs(at: number, zone: string): number {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      ...({ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' } as const),
      ...({ hour: 'numeric', minute: 'numeric', second: 'numeric' } as const),
    });
    formatters.set(zone, formatter);
  }
  const parts = Object.fromEntries(formatter.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) + (((at % 1_000) + 1_000) % 1_000);
}

/** `text` is `profile.x` or a zone; UTC where the attribute names none. */
export function zoneOf(text: string | undefined, profile: Readonly<Record<string, unknown>>): string {
  const written = text ?? 'profile.timezone';
  const name = written.startsWith('profile.') ? profile[written.slice('profile.'.length)] : written;
  if (typeof name !== 'string') return 'UTC';
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return name;
  } catch {
    return 'UTC';
  }
}

/** The first moment at or after `at` at which it is `time` on one of `days` (default: every day). */
export function nextLocalTime(at: number, time: string, days: readonly string[] | undefined, zone: string): number {
  const today = Math.floor(localMs(at, zone) / DAY_MS);
  for (let day = today - 1; day <= today + DAYS_AHEAD; day++) {
    const weekday = DAYS[new Date(day * DAY_MS).getUTCDay()]!;
    if (days !== undefined && !days.includes(weekday)) continue;
    const moment = firstShowing(day * DAY_MS + timeOfDayMs(time), zone);
    if (moment >= at) return moment;
  }
  throw new Error(`no ${time} in ${DAYS_AHEAD} days`);
}

/** The first moment at which the clock shows `local` or later (L1). */
function firstShowing(local: number, zone: string): number {
  for (let quarter = Math.floor((local - DAY_MS) / QUARTER_MS) * QUARTER_MS; ; quarter += QUARTER_MS) {
    const shown = localMs(quarter, zone);
    if (shown + QUARTER_MS > local) return quarter + Math.max(0, local - shown);
  }
}

/** When the quiet hours around `at` end; null: `at` is not in them (L2). */
export function quietUntil(at: number, from: string, to: string, zone: string): number | null {
  const [start, end] = [timeOfDayMs(from), timeOfDayMs(to)];
  const isQuiet = (moment: number): boolean => {
    const time = localMs(moment, zone) % DAY_MS;
    return start < end ? time >= start && time < end : time >= start || time < end;
  };
  if (!isQuiet(at)) return null;
  for (let moment = at; ; moment = (Math.floor(moment / QUARTER_MS) + 1) * QUARTER_MS) {
    if (!isQuiet(moment)) return moment;
    const ending = moment + ((end - (localMs(moment, zone) % DAY_MS) + DAY_MS) % DAY_MS);
    const isInQuarter = ending < (Math.floor(moment / QUARTER_MS) + 1) * QUARTER_MS;
    if (isInQuarter && !isQuiet(ending)) return ending;
  }
}

/** The number of the local day, or of the week from Monday. */
export function calendarNumber(at: number, unit: 'day' | 'week', zone: string): number {
  const day = Math.floor(localMs(at, zone) / DAY_MS);
  return unit === 'day' ? day : Math.floor((day + 3) / 7);
}

/** Ms since midnight; 24:00 is the end of the day. */
export function timeOfDayMs(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return (hours! * 60 + minutes!) * 60_000;
}
