// Whether a time can be that of an event, and what a sender probably meant when it cannot: the one place for all sources.
//
// Owns: the bounds' meaning and the hints. Does not own: reading times (lib/instant.ts), clocks that run ahead
// (maxClockSkew, intake.ts). Pure functions.
//
// Invariants:
//   L1. A time out of bounds moves no stream time: it is refused before anything is told of it.

import { RecordError } from '../../lib/errors.ts';

/** Configuration: eventTime. Both are allowed themselves. */
export interface EventTimeBounds {
  /** Ms since 1970. */
  readonly min: number;
  /** Ms since 1970. */
  readonly max: number;
}

/** The last ms that a Date can hold. */
const TIME_MAX = 8.64e15;

/** By what a time of another unit must be multiplied to be ms. */
const UNITS: readonly (readonly [name: string, toMs: number])[] = [
  ['seconds', 1_000],
  ['microseconds', 1 / 1_000],
  ['nanoseconds', 1 / 1_000_000],
];

/**
 * Throws RecordError TRG_RECORD_TIME_IMPLAUSIBLE, with a hint where one can be given. `field`: what is said to have the time;
 * left out: the event.
 */
export function checkEventTime(time: number, bounds: EventTimeBounds, field = 'timestamp'): void {
  const reason = implausibleTime(time, bounds, field);
  if (reason !== null) throw new RecordError('TRG_RECORD_TIME_IMPLAUSIBLE', reason, { field });
}

/** Why `time`, ms since 1970, cannot be an event's, in words with a hint; null: it can. */
export function implausibleTime(time: number, { min, max }: EventTimeBounds, field = 'timestamp'): string | null {
  if (time >= min && time <= max) return null;
  const [side, bound, name] = time < min ? ['before', min, 'min'] : ['after', max, 'max'];
  const meant = meantUnit(time, { min, max });
  const hint = meant === null ? '' : `: it looks like ${meant} since 1970, send milliseconds or ISO 8601`;
  return `${field} is ${written(time)}, ${side} ${written(bound)} (eventTime.${name})${hint}`;
}

/** The unit in which the number would be a plausible time; null: none, or ms. */
function meantUnit(time: number, { min, max }: EventTimeBounds): string | null {
  // Of bounds that are wide open nothing can be concluded: nearly every number fits into them in every unit.
  const [from, to] = [Math.max(min, PLAUSIBLE.min), Math.min(max, PLAUSIBLE.max)];
  const found = UNITS.find(([, toMs]) => time * toMs >= from && time * toMs <= to);
  return found?.[0] ?? null;
}

/** The configuration's defaults. */
export const PLAUSIBLE: EventTimeBounds = { min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) };

function written(time: number): string {
  return Math.abs(time) <= TIME_MAX ? new Date(time).toISOString() : 'beyond the last time there is';
}
