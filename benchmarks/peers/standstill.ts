// Whether the machine stood still during a run: virtual machines are now and then, for seconds.
//
// Owns: noticing it, and repeating what it spoilt. It is noticed by this process, which mostly waits, not being woken; so it
// says nothing of what is measured.

import { systemClock } from '../../lib/clock.ts';

const STEP_MS = 50;
/** Longer than a busy machine ever lets a process wait. */
const STILL_MS = 1_000;
const ATTEMPTS = 3;

/** The result of the first attempt during which the machine went on, or of the last. An error counts when that is its own. */
export async function undisturbed<Result>(measure: (attempt: number) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const over = new AbortController();
    const watching = longestGap(over.signal);
    const [outcome] = await Promise.allSettled([measure(attempt)]);
    over.abort();
    const gap = await watching;
    if (gap < STILL_MS || attempt === ATTEMPTS) {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    }
    console.log(`(the machine stood still for ${(gap / 1_000).toFixed(1)} s: again)`);
  }
}

/** The longest time beyond what was asked for that this process slept, ms. */
async function longestGap(signal: AbortSignal): Promise<number> {
  let longest = 0;
  for (let before = systemClock.now(); !signal.aborted; ) {
    await systemClock.sleep(STEP_MS, signal);
    const now = systemClock.now();
    longest = Math.max(longest, now - before - STEP_MS);
    before = now;
  }
  return longest;
}
