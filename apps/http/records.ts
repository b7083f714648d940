// Records that requests leave in topics of ours: consent, feedback, commands. Each is durable before the request is answered.

import { utf8Bytes } from '../../lib/bytes.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { NewRecord, RecordHeader } from '../../schemas/record.ts';
import type { Appender } from './ingest/appender.ts';

export interface KeyedJson {
  readonly topic: string;
  readonly key: string;
  /** Null: what stood under the key is no more. */
  readonly value: object | null;
  readonly headers?: readonly RecordHeader[];
}

export class Records {
  readonly #appender: Appender;
  readonly #partitions: ReadonlyMap<string, number>;
  readonly #now: () => number;

  /** `partitions`: of each topic that is written to. */
  constructor(appender: Appender, partitions: ReadonlyMap<string, number>, now: () => number) {
    this.#appender = appender;
    this.#partitions = partitions;
    this.#now = now;
  }

  /** All of them or none. Throws Refusal (503) when they are not, or not known to be, in the log. */
  write(records: readonly KeyedJson[]): Promise<void> {
    return this.#appender.append(records.map((record) => this.#recordOf(record)));
  }

  #recordOf({ topic, key, value, headers = [] }: KeyedJson): NewRecord {
    const bytes = utf8Bytes(key);
    return {
      topic,
      partition: partitionOf(bytes, this.#partitions.get(topic) ?? 1),
      timestamp: this.#now(),
      key: bytes,
      value: value === null ? null : utf8Bytes(JSON.stringify(value)),
      headers,
    };
  }
}
