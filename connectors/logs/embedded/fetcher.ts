// Answers fetches from the files, and lets those wait that are at their end.
//
// Invariants:
//   F1. End offsets are taken after the waiting and before anything is read (R1).
//   F2. A fetch that waits costs nothing but a check per commit.

import type { Clock } from '../../../lib/clock.ts';
import type { Chunk, FetchRequest } from './core.ts';
import { closedError } from './log-errors.ts';
import type { LogState } from './log-state.ts';
import { emptyChunk, type SegmentReader } from './segment-reader.ts';

export class Fetcher {
  readonly #state: LogState;
  readonly #reader: SegmentReader;
  readonly #clock: Clock;
  readonly #listeners: Set<() => void>;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** `listeners` are called whenever the state has changed. */
  constructor(state: LogState, reader: SegmentReader, clock: Clock, listeners: Set<() => void>) {
    this.#state = state;
    this.#reader = reader;
    this.#clock = clock;
    this.#listeners = listeners;
  }

  /** As LogCore.fetch. */
  async fetch(requests: readonly FetchRequest[], waitMs: number, signal: AbortSignal): Promise<readonly Chunk[]> {
    if (this.#closed.signal.aborted) throw closedError();
    if (waitMs > 0) await this.#wait(requests, waitMs, signal);
    const running = this.#read(requests);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Ends all waiting. */
  close(): void {
    this.#closed.abort();
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #read(requests: readonly FetchRequest[]): Promise<readonly Chunk[]> {
    const states = requests.map((request) => this.#state.partition(request));
    const ends = states.map((state) => state.end);
    const isClosed = this.#closed.signal.aborted;
    return Promise.all(
      requests.map((request, i) =>
        request.maxBytes === 0 || isClosed || request.offset >= ends[i]!
          ? emptyChunk(request.offset, ends[i]!)
          : this.#reader.read(request, states[i]!, ends[i]!),
      ),
    );
  }

  #wait(requests: readonly FetchRequest[], waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const states = requests.map((request) => this.#state.partition(request));
      const hasMore = (): boolean => requests.some((request, i) => request.offset < states[i]!.end);
      if (signal.aborted || this.#closed.signal.aborted || hasMore()) return resolve();
      const end = (): void => {
        this.#listeners.delete(check);
        signal.removeEventListener('abort', end);
        this.#closed.signal.removeEventListener('abort', end);
        cancel();
        resolve();
      };
      const check = (): void => {
        if (hasMore()) end();
      };
      this.#listeners.add(check);
      signal.addEventListener('abort', end, { once: true });
      this.#closed.signal.addEventListener('abort', end, { once: true });
      const cancel = this.#clock.after(waitMs, end);
    });
  }
}
