// Reads a topic as a program that is no part of a worker does: all partitions, from their first records on.

import type { LogRecord } from '../../schemas/record.ts';
import type { Log, LogReader } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import { PAUSE_RECORDS, type Pause } from '../operation.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** A record, and the partition it was read from. */
export interface TopicRecord extends LogRecord {
  readonly partition: number;
}

/**
 * All records that are committed when this is called, partition by partition. A topic that does not exist has none. `pause` is
 * awaited now and then; left out: nothing else waits for the thread.
 */
export async function* readTopic(log: Log, topic: string, pause?: Pause): AsyncGenerator<TopicRecord> {
  let read = 0;
  const partitions = (await log.admin.topics()).get(topic) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    for await (const records of readPartition(log, { topic, partition })) {
      // One by one: a log may make a record's parts when they are asked for.
      for (const { offset, timestamp, key, value, headers } of records) {
        if (++read % PAUSE_RECORDS === 0) await pause?.();
        yield { offset, timestamp, key, value, headers, partition };
      }
    }
  }
}

/** Follows topics: each call of next() waits up to `waitMs` and gives what is new. */
export class TopicTail {
  readonly #reader: LogReader;

  private constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** From the first records kept, or from what is written next. */
  static async open(log: Log, topics: readonly string[], from: 'start' | 'end' = 'start'): Promise<TopicTail> {
    const counts = await log.admin.topics();
    const places = topics.flatMap((topic) =>
      Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    const positions = await Promise.all(
      places.map(async (place) => ({ ...place, offset: from === 'start' ? 0 : (await log.admin.offsets(place)).end })),
    );
    const reader = log.openReader();
    reader.assign(positions);
    return new TopicTail(reader);
  }

  async next(
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<readonly { readonly topic: string; readonly record: LogRecord }[]> {
    const options = { maxBytes: READ_BYTES, waitMs, ...(signal !== undefined && { signal }) };
    const fetched = await this.#reader.read(options);
    return fetched.flatMap(({ topic, records }) => records.map((record) => ({ topic, record })));
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
