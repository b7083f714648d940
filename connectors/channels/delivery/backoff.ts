// When to try again.
//
// Invariants:
//   B1. What the provider asked for (Retry-After) replaces the next delay, also when it is shorter.
//   B2. Jitter only lengthens a delay, at most threefold.
//   B3. Attempts are bounded: one, and one after each delay of the schedule.

import type { Rng } from '../../../lib/rng.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Delays before the second and later attempts, ms: the schedule of Standard Webhooks. */
export const RETRY_SCHEDULE_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
];

/** Of mail: a mailbox that is full or greylisted is worth a few hours, and what is older than that is no news. */
export const MAIL_SCHEDULE_MS: readonly number[] = [
  5 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
];

/** A provider that asks for more is asked again after a day, so that a bad header cannot park a message for years. */
const RETRY_AFTER_MAX_MS = 24 * HOUR_MS;
/** Half as long again spreads the retries of an outage without doubling the ten hours of the last one. B2 allows 3. */
const JITTER_FACTOR_MAX = 1.5;

/**
 * Milliseconds until the next attempt after `attempts` failed ones (from 1), null when there is none left (B3).
 * `retryAfterMs`: what the provider asked for.
 */
export function nextDelayMs(
  attempts: number,
  options: { readonly retryAfterMs?: number | undefined; readonly rng: Rng; readonly schedule?: readonly number[] },
): number | null {
  const scheduled = (options.schedule ?? RETRY_SCHEDULE_MS)[attempts - 1];
  if (scheduled === undefined) return null;
  const base =
    options.retryAfterMs === undefined ? scheduled : Math.min(Math.max(0, options.retryAfterMs), RETRY_AFTER_MAX_MS);
  return Math.ceil(base * (1 + options.rng.next() * (JITTER_FACTOR_MAX - 1)));
}

/**
 * Milliseconds that a Retry-After header asks for, given as seconds or as an HTTP date; undefined when it is neither.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * SECOND_MS;
  // Every HTTP date begins with the name of a day; Date.parse alone would take much else for a date.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
