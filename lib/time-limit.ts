// Bounds one exchange in time, by the clock it is given.

import type { Clock } from './clock.ts';

export class TimeLimitError extends Error {
  override name = 'TimeLimitError';
}

/**
 * Runs `work` with a signal that aborts when `ms` have passed or `signal` aborts. Rejects with TimeLimitError once the
 * time is over, with the signal's reason once that aborts, whether or not `work` takes notice; else as `work` does.
 */
export async function withinTime<Result>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const exchange = new AbortController();
  const finished = new AbortController();
  const abandon = (): void => exchange.abort(signal.reason);
  if (signal.aborted) abandon();
  signal.addEventListener('abort', abandon, { once: true });
  const aborted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(exchange.signal.reason);
    if (exchange.signal.aborted) fail();
    else exchange.signal.addEventListener('abort', fail, { once: true });
  });
  const limit = clock.sleep(ms, finished.signal).then(() => {
    if (!finished.signal.aborted) exchange.abort(new TimeLimitError(`no answer within ${ms / 1_000} s`));
  });
  try {
    return await Promise.race([work(exchange.signal), aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
    // With a reason of its own no error is made, which would have a stack.
    finished.abort('over');
    await limit;
  }
}
