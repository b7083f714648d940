// Waiting by the real clock for what a process, a thread or a socket does. What goes by a fake clock needs no waiting.
//
// Invariants:
//   U1. It ends: by the condition, or at the deadline with an error that says what was waited for, what was last seen and
//       how long; also when the condition itself never answers.
//   U2. What the condition throws ends the wait at once: whoever waits for a process sees there that it is gone.

import { inspect } from 'node:util';
import { systemClock } from '../lib/clock.ts';

export interface UntilOptions {
  /** What is waited for, as in "both are settled"; left out: the text of the condition. */
  readonly message?: string;
  /** Left out: half a minute, which is long on a busy machine and short for whoever waits for a test to fail. */
  readonly deadlineMs?: number;
  /** Time between two looks, for who measures by them; left out: a tenth of the wait so far. */
  readonly everyMs?: number;
  /** Asked at the deadline, when what the condition returned says too little. */
  readonly seen?: () => unknown;
}

type Truthy<Value> = Exclude<Value, false | null | undefined | 0 | 0n | ''>;

const DEADLINE_MS = 30_000;
/** What came is noticed late by no more than a tenth of the wait, and a long wait costs little. */
const PAUSE_SHARE = 0.1;
const PAUSE_MS_MIN = 1;
const PAUSE_MS_MAX = 100;
const LATE = Symbol('late');

/** Asks until the condition gives something truthy, and returns that. Throws an Error at the deadline (U1). */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  { message = condition.toString(), deadlineMs = DEADLINE_MS, everyMs, seen }: UntilOptions = {},
): Promise<Truthy<Value>> {
  const start = performance.now();
  const over = new AbortController();
  const late = systemClock.sleep(deadlineMs, over.signal).then((): typeof LATE => LATE);
  let last: unknown = 'nothing, it has not answered';
  try {
    for (;;) {
      // First in the race: a last look counts when the machine stood still.
      const answer = await Promise.race([condition(), late]);
      if (answer === LATE) break;
      if (answer) return answer as Truthy<Value>;
      last = answer;
      const waitedMs = performance.now() - start;
      if (waitedMs >= deadlineMs) break;
      const pauseMs = everyMs ?? Math.min(Math.max(waitedMs * PAUSE_SHARE, PAUSE_MS_MIN), PAUSE_MS_MAX);
      await systemClock.sleep(Math.min(pauseMs, deadlineMs - waitedMs));
    }
  } finally {
    over.abort();
  }
  const shown = seen === undefined ? last : await seen();
  const waited = `waited ${Math.round(performance.now() - start)} ms`;
  throw new Error(
    `not in time: ${message}\nlast seen: ${typeof shown === 'string' ? shown : inspect(shown)}\n${waited}`,
  );
}
