// Windows over event times that were decided in any order: whether one more fits into every window that would hold it.

const DAY_MS = 86_400_000;
/** 1 January 1970 was a Thursday: this many days after a Monday. */
const EPOCH_WEEKDAY = 3;

/** Whether with `at` no window (t - perMs, t] holds more than `max` of `times`. */
export function fitsSlidingWindow(times: readonly number[], at: number, max: number, perMs: number): boolean {
  const near = times.filter((time) => Math.abs(time - at) < perMs);
  if (near.length < max) return true;
  const all = [...near, at].sort((a, b) => a - b);
  // Some window holds more than max exactly when max + 1 neighbours lie within one.
  return all.every((time, i) => i < max || time - all[i - max]! >= perMs);
}

/** The number of the calendar day, or week from Monday, of a local time: `localMs` are ms as if the zone were UTC. */
export function calendarNumber(localMs: number, unit: 'day' | 'week'): number {
  const day = Math.floor(localMs / DAY_MS);
  return unit === 'day' ? day : Math.floor((day + EPOCH_WEEKDAY) / 7);
}
