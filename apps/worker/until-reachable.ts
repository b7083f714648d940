// Waits for a log that cannot be reached when a worker starts: an outage of any length is survived, and said.
//
// Invariants:
//   U1. Only what time may mend is waited for: everything else is thrown at once.

import type { Clock } from '../../lib/clock.ts';
import { describeError, RetryableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

/** An operator is told first after this long, then each time so long again; attempts last as long as the log's patience. */
const NOTICE_FIRST_MS = 2_000;
const NOTICE_EVERY_MS = 30_000;
const PAUSE_MS = 1_000;

export interface WaitOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called each time it is said that the log is waited for. */
  readonly onWaiting?: () => void;
}

/** Does `work` until it succeeds or `signal` aborts; undefined then, at once. Throws what `work` throws but RetryableError. */
export async function untilReachable<Result>(
  work: () => Promise<Result>,
  { clock, logger, onWaiting }: WaitOptions,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const done = new AbortController();
  const stop = (): void => done.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const stopped = new Promise<undefined>((resolve) => {
    if (done.signal.aborted) resolve(undefined);
    done.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const since = clock.now();
  let last: unknown = null;
  const noticing = (async () => {
    await clock.sleep(NOTICE_FIRST_MS, done.signal);
    while (!done.signal.aborted) {
      const forSeconds = Math.round((clock.now() - since) / 1_000);
      logger.warn({ forSeconds, ...(last !== null && { error: describeError(last) }) }, 'waiting for the log');
      onWaiting?.();
      await clock.sleep(NOTICE_EVERY_MS, done.signal);
    }
  })();
  try {
    while (!signal.aborted) {
      const working = work();
      // An attempt that a stop leaves behind ends when its log is closed.
      working.catch(() => {});
      try {
        return await Promise.race([working, stopped]);
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error;
        last = error;
      }
      await clock.sleep(PAUSE_MS, signal);
    }
    return undefined;
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
    await noticing;
  }
}
