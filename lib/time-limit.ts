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
  const { promise: ended, reject } = Promise.withResolvers<never>();
  // Where `work` ends first nobody waits for it.
  ended.catch(() => {});
  const end = (reason: unknown): void => {
    exchange.abort(reason);
    reject(reason);
  };
  const abandon = (): void => end(signal.reason);
  if (signal.aborted) abandon();
  signal.addEventListener('abort', abandon, { once: true });
  const cancel = clock.after(ms, () => end(timeLimitError(ms)));
  try {
    return await Promise.race([work(exchange.signal), ended]);
  } finally {
    signal.removeEventListener('abort', abandon);
    cancel();
  }
}

export function timeLimitError(ms: number): TimeLimitError {
  return new TimeLimitError(`no answer within ${ms / 1_000} s`);
}
