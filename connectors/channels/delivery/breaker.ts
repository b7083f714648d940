// Whether a provider is asked at all: a circuit breaker, one for each channel and engine thread.
//
// Invariants:
//   C1. It opens after FAILURES_MAX attempts in a row that a later one may mend, and closes with the first that the provider
//       answers otherwise: that it refuses a message says that it is there.
//   C2. While it is open one attempt at a time is made, PROBE_MIN_MS after it opened and then ever later, up to PROBE_MAX_MS.
//   C3. Whoever listens is told when it closes, when the next probe may be made, and when somebody asks for all to be tried now.

import type { Clock } from '../../../lib/clock.ts';
import type { Rng } from '../../../lib/rng.ts';
import type { SendResult } from './sender.ts';

/** More than one mailbox that is full or one bad address makes in a row, fewer than an outage does in a second. */
const FAILURES_MAX = 10;
const PROBE_MIN_MS = 5_000;
/** So late the end of an outage may be noticed. */
const PROBE_MAX_MS = 30_000;
/** Lengthens the time between probes, so that workers do not come together. */
const JITTER = 0.2;

/** What a closed breaker gives, and an open one to whoever is to find out. */
export type Ticket = 'usual' | 'probe';

/** release: what waits for the provider may go. retry: so may what the provider asked to wait for. probe: one may try. */
export type BreakerNews = 'release' | 'retry' | 'probe';

export class Breaker {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #listeners = new Set<(news: BreakerNews) => void>();
  readonly #closing = new AbortController();
  #failures = 0;
  #openedAt: number | null = null;
  #probeAt = 0;
  #probes = 0;
  #isProbing = false;
  /** Each opening has its own alarm; those of before say nothing. */
  #opening = 0;

  constructor(clock: Clock, rng: Rng) {
    this.#clock = clock;
    this.#rng = rng;
  }

  /** Wall time since when it is open, ms; null: it is closed. */
  get openedAt(): number | null {
    return this.#openedAt;
  }

  /** Null: no attempt now. What a ticket led to is told by report(), or by giveBack() when nothing was tried. */
  take(): Ticket | null {
    if (this.#openedAt === null) return 'usual';
    if (this.#isProbing || this.#clock.now() < this.#probeAt) return null;
    this.#isProbing = true;
    return 'probe';
  }

  giveBack(ticket: Ticket): void {
    if (ticket !== 'probe' || !this.#isProbing) return;
    this.#isProbing = false;
    this.#tell('probe');
  }

  report(ticket: Ticket, result: SendResult): void {
    if (result.outcome === 'skipped') {
      this.giveBack(ticket);
    } else if (result.outcome !== 'retry') {
      this.#failures = 0;
      if (this.#openedAt !== null) this.release();
    } else if (this.#openedAt === null) {
      this.#failures++;
      if (this.#failures >= FAILURES_MAX) this.#open();
    } else if (ticket === 'probe') {
      this.#isProbing = false;
      this.#planProbe();
    }
  }

  /** Closes it, as if the provider had answered; `news`: who may go. */
  release(news: 'release' | 'retry' = 'release'): void {
    this.#failures = 0;
    this.#openedAt = null;
    this.#isProbing = false;
    this.#probes = 0;
    this.#opening++;
    this.#tell(news);
  }

  /** Returns what ends it. */
  listen(listener: (news: BreakerNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closing.abort();
  }

  #open(): void {
    this.#openedAt = this.#clock.now();
    this.#probes = 0;
    this.#opening++;
    this.#planProbe();
  }

  #planProbe(): void {
    const waitMs = Math.min(PROBE_MAX_MS, PROBE_MIN_MS * 2 ** this.#probes++);
    const afterMs = Math.ceil(waitMs * (1 + this.#rng.next() * JITTER));
    this.#probeAt = this.#clock.now() + afterMs;
    const opening = this.#opening;
    const { signal } = this.#closing;
    void this.#clock.sleep(afterMs, signal).then(() => {
      if (!signal.aborted && opening === this.#opening) this.#tell('probe');
    });
  }

  #tell(news: BreakerNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}
