// Waiting for what another thread or process does, with a bound.

import { systemClock } from '../../lib/clock.ts';

const WAIT_MS = 30_000;

/** Asks again until it holds; throws with `what` when that takes too long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = systemClock.now() + WAIT_MS; !(await holds()); await systemClock.sleep(20)) {
    if (systemClock.now() > end) throw new Error(`not within ${WAIT_MS / 1_000} s: ${what}`);
  }
}

/** A value as JSON carries it. */
export function parsed<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}
