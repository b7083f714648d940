// A clock that moves only when told to.
//
// Invariants:
//   F1. Sleepers wake in the order of their times, each seeing the clock at its own time.

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';

/** 2026-01-01T00:00:00Z: a time that is recognised when it turns up in a failing test. */
export const FAKE_START = Date.UTC(2026, 0, 1);

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: number = FAKE_START) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** How many sleep() calls have not resolved, and after() calls are still to come. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper: Sleeper = {
        at: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  after(ms: number, then: () => void): () => void {
    const sleeper: Sleeper = {
      at: this.#now + ms,
      wake: () => {
        this.#sleepers.delete(sleeper);
        then();
      },
    };
    this.#sleepers.add(sleeper);
    return () => this.#sleepers.delete(sleeper);
  }

  /** Moves on by `ms`; whoever wakes on the way runs before this resolves, and may sleep again within it. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await setImmediate();
    }
    this.#now = target;
  }

  #next(target: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at <= target && (first === undefined || sleeper.at < first.at)) first = sleeper;
    }
    return first;
  }
}
