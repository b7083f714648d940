// Keeps an engine running: opens it, polls it, and after a fault that time may mend opens it anew from what is committed.
//
// Invariants:
//   Z1. Only FatalError and bugs end it; RetryableError and FencedError cost a restart with backoff, and nothing is lost:
//       what was not committed is read again. So does the first loss of its place to another of its name (fencings.ts).
//
// Edge `read`: records are read from the log.
//   throws: the engine starts again from its last commit, after 0.1 to 30 s; nothing is lost. What time cannot mend ends the worker
//   rejects: as a throw
//   hangs: the thread waits; a stop ends it, and `/health/live` tells
//   too large: a record of any size is read, alone; `limits.recordBytes` is asked then (`decode`)
//   behind: connectors/logs/

import type { Clock } from '../../lib/clock.ts';
import { FencedError, RetryableError } from '../../lib/errors.ts';
import type { EngineThread } from './engine-thread.ts';
import { Fencings } from './fencings.ts';

export interface SuperviseOptions {
  readonly open: () => Promise<EngineThread>;
  readonly clock: Clock;
  /** Longest wait of one poll, ms: also how late a wall-clock timer may be noticed. */
  readonly pollMs: number;
  readonly onFault: (error: unknown, retryInMs: number) => void;
  /** Called once, when the first engine has its tasks and their state. */
  readonly onRunning?: (engine: EngineThread) => void;
}

/** Doubled from one fault to the next, up to half a minute: a lasting fault then costs little, and is left soon after it ends. */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** Within the 30 s in which a worker must have stopped (docs/design.md, Commits), with time to spare for the commit. */
const DRAIN_MS = 20_000;
/** For the commit at the end. */
const COMMIT_MS = 5_000;

/** Runs until `signal` aborts; then lets I/O under way end, commits and closes. Throws what time cannot mend. */
export async function supervise(options: SuperviseOptions, signal: AbortSignal): Promise<void> {
  let backoffMs = BACKOFF_MIN_MS;
  let wasRunning = false;
  const fencings = new Fencings(options.clock);
  while (!signal.aborted) {
    let engine: EngineThread | undefined;
    try {
      engine = await options.open();
      while (!signal.aborted) {
        await engine.poll(options.pollMs);
        backoffMs = BACKOFF_MIN_MS;
        if (engine.isRunning && !wasRunning) options.onRunning?.(engine);
        wasRunning ||= engine.isRunning;
      }
      await inTime(engine.drain(DRAIN_MS), DRAIN_MS + COMMIT_MS, options.clock);
    } catch (error) {
      const mends = error instanceof RetryableError || error instanceof FencedError || fencings.mayJoinAgain(error);
      if (!mends) throw error;
      options.onFault(error, backoffMs);
      await options.clock.sleep(backoffMs, signal);
      backoffMs = Math.min(2 * backoffMs, BACKOFF_MAX_MS);
    } finally {
      await engine?.close();
    }
  }
}

/** Goes on without a last commit that the log or the group does not let happen: what it would write is read again. */
async function inTime(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const done = new AbortController();
  const failed = work.finally(() => done.abort());
  await Promise.race([failed, clock.sleep(ms, done.signal)]);
}
