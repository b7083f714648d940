// Waits for a log that cannot be reached when a worker starts: an outage of any length is survived, and said.
//
// Invariants:
//   U1. Only what time may mend is waited for: everything else is thrown at once.

import type { Clock } from '../../lib/clock.ts';
import { describeError, RetryableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

const PAUSE_FIRST_MS = 1_000;
/** So often an operator is told at least, besides the time that one attempt takes. */
const PAUSE_MAX_MS = 30_000;

/** Does `work` until it succeeds or `signal` aborts; undefined then, at once. Throws what `work` throws but RetryableError. */
export async function untilReachable<Result>(
  work: () => Promise<Result>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<Result | undefined> {
  const since = clock.now();
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  for (let pauseMs = PAUSE_FIRST_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
    const working = work();
    // An attempt that a stop leaves behind ends when its log is closed.
    working.catch(() => {});
    try {
      return await Promise.race([working, stopped]);
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      const forSeconds = Math.round((clock.now() - since) / 1_000);
      logger.warn({ forSeconds, retryInMs: pauseMs, error: describeError(error) }, 'waiting for the log');
      await clock.sleep(pauseMs, signal);
    }
  }
  return undefined;
}
