// Writes what is told over HTTP to topics of the application's own, keyed by entity.
//
// Owns: a writer of its own, opened by the first command. Does not own: what a command says.
//
// Invariants:
//   C1. append resolves once the command is durably in the log.

import type { Clock } from '../../lib/clock.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { NO_HEADERS, type RecordHeader } from '../../schemas/record.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { Appender } from './ingest/appender.ts';
import { unavailable } from './ingest/refusal.ts';

export interface CommandWriterOptions {
  readonly log: Pick<Log, 'openWriter' | 'admin'>;
  readonly application: string;
  /** Which of the workers that share the log it belongs to; null: there is one. */
  readonly worker: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_AFTER_MS = 1_000;

export class CommandWriter {
  readonly #options: CommandWriterOptions;
  #appender: Promise<Appender> | null = null;
  readonly #partitions = new Map<string, number>();

  constructor(options: CommandWriterOptions) {
    this.#options = options;
  }

  /** Throws Refusal (503) when it is not, or not known to be, in the log. */
  async append(
    topic: string,
    key: string,
    value: Uint8Array,
    headers: readonly RecordHeader[] = NO_HEADERS,
  ): Promise<void> {
    const keyBytes = Buffer.from(key, 'utf8');
    const partition = partitionOf(keyBytes, await this.partitions(topic));
    const timestamp = this.#options.clock.now();
    const appender = await this.#open();
    await appender.append([{ topic, partition, timestamp, key: keyBytes, value, headers }]);
  }

  /** Throws Refusal (503) when the topic is not there. */
  async partitions(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const count = (await this.#options.log.admin.topics()).get(topic);
    if (count === undefined) throw unavailable(`the topic ${topic} is not there`, RETRY_AFTER_MS);
    this.#partitions.set(topic, count);
    return count;
  }

  async close(): Promise<void> {
    const appender = await this.#appender?.catch(() => null);
    await appender?.close();
  }

  #open(): Promise<Appender> {
    this.#appender ??= this.#opened().catch((error: unknown) => {
      this.#appender = null;
      this.#options.logger.warn({ error: describeError(error) }, 'commands cannot be written');
      throw unavailable('the log takes nothing just now: send again later', RETRY_AFTER_MS);
    });
    return this.#appender;
  }

  #opened(): Promise<Appender> {
    const { log, application, worker, clock, logger } = this.#options;
    const id = [application, ...(worker === null ? [] : [worker]), 'commands'].join('-');
    const onFatal = (error: unknown): void => {
      // The engine comes to it by itself; the next command opens anew.
      this.#appender = null;
      logger.error({ error: describeError(error) }, 'commands cannot be written');
    };
    return Appender.open({ log, id, clock, logger, onFatal });
  }
}
