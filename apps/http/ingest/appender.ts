// Group commit: the records of many requests in one transaction of the log, one transaction at a time.
//
// While one transaction is being committed the next one gathers, so the slower the disk, the more requests share a sync.
// Waiting for more besides was measured and left out: 2 ms of it cost a third of the throughput at 64 senders and
// tripled the latency of one.
//
// Owns: the writer and what becomes of it. Does not own: bounds on what waits (in-flight.ts, before a request is read).
//
// Invariants:
//   A1. append resolves only once its records are durably in the log, and they are there whole or not at all.
//   A2. A commit that failed is reported to every request in it: whoever was not told success must send again.
//   A3. close() commits what was appended before it.

import type { Clock } from '../../../lib/clock.ts';
import { describeError, FencedError, RetryableError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import type { Log, LogWriter } from '../../../topology/engine/ports.ts';
import { GROUP_BYTES_MAX } from './limits.ts';
import { recordBytes } from './messages.ts';
import { unavailable } from './refusal.ts';

export interface AppenderOptions {
  readonly log: Pick<Log, 'openWriter'>;
  /** Transactional id, and the group in whose name transactions end. */
  readonly id: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The log failed in a way that time cannot mend; nothing more is taken. */
  readonly onFatal: (error: unknown) => void;
}

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;

export class Appender {
  readonly #options: AppenderOptions;
  readonly #loop: Promise<void>;
  /** Undefined while there is none to be had. */
  #writer: LogWriter | undefined;
  #waiting: Waiting[] = [];
  /** Since the last commit that succeeded. */
  #failures = 0;
  #wake = Promise.withResolvers<void>();
  readonly #closing = new AbortController();

  private constructor(options: AppenderOptions, writer: LogWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#loop = this.#run();
  }

  static async open(options: AppenderOptions): Promise<Appender> {
    return new Appender(options, await options.log.openWriter(options.id));
  }

  /** Whether the log takes records, as far as is known. */
  get isHealthy(): boolean {
    return this.#writer !== undefined;
  }

  /** Throws Refusal (503) when the records are not, or not known to be, in the log. */
  append(records: readonly NewRecord[]): Promise<void> {
    if (this.#writer === undefined || this.#closing.signal.aborted) return Promise.reject(this.#refusal());
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ records, bytes, resolve, reject });
    this.#wake.resolve();
    return promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.resolve();
    await this.#loop;
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      while (this.#waiting.length > 0) await this.#commit(this.#takeGroup());
      if (this.#closing.signal.aborted) break;
    }
    await this.#writer?.close();
    this.#writer = undefined;
  }

  /** The first of what waits: at least one request, and no more than fits. */
  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: more } of this.#waiting) {
      if (count > 0 && bytes + more > GROUP_BYTES_MAX) break;
      bytes += more;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      for (const { records } of group) this.#writer!.send(records);
      await this.#writer!.commit(this.#options.id, []);
      this.#failures = 0;
      for (const { resolve } of group) resolve();
    } catch (error) {
      await this.#fail(group, error);
    }
  }

  async #fail(group: readonly Waiting[], error: unknown): Promise<void> {
    const { logger, onFatal } = this.#options;
    const broken = this.#writer!;
    this.#writer = undefined;
    this.#failures++;
    // Those that wait would wait for a log of which nobody knows when it takes records again (A2).
    for (const { reject } of [...group, ...this.#waiting]) reject(this.#refusal());
    this.#waiting = [];
    await broken.close().catch(() => {});
    if (!mayMend(error)) return onFatal(error);
    logger.warn({ retryInMs: this.#backoffMs(), error: describeError(error) }, 'the log took no events');
    await this.#reopen();
  }

  async #reopen(): Promise<void> {
    const { log, id, clock, logger, onFatal } = this.#options;
    for (;;) {
      await clock.sleep(this.#backoffMs(), this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      try {
        this.#writer = await log.openWriter(id);
        return;
      } catch (error) {
        this.#failures++;
        if (!mayMend(error)) return onFatal(error);
        logger.warn({ retryInMs: this.#backoffMs(), error: describeError(error) }, 'the log cannot be opened');
      }
    }
  }

  #refusal(): Error {
    return unavailable('the log takes no events just now: send again later', this.#backoffMs());
  }

  #backoffMs(): number {
    return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, this.#failures - 1));
  }
}

function mayMend(error: unknown): boolean {
  return error instanceof RetryableError || error instanceof FencedError;
}
