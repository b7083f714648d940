// A partition read record by record, to its end as of each time that the end is reached.

import type { LogRecord } from '../../schemas/record.ts';
import type { Log, TopicPartition } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';

/** Many partitions are read at a time, a little of each. */
const PAGE_BYTES = 256 * 1024;

export class GrowingPartition {
  readonly #log: Log;
  readonly #place: TopicPartition;
  #pages: AsyncGenerator<readonly LogRecord[]> | null = null;
  #page: readonly LogRecord[] = [];
  #next = 0;
  #offset = 0;

  constructor(log: Log, place: TopicPartition) {
    this.#log = log;
    this.#place = place;
  }

  /** Null: there is none now; later there may be. */
  async next(): Promise<LogRecord | null> {
    for (;;) {
      const record = this.#page[this.#next];
      if (record !== undefined) {
        this.#next++;
        this.#offset = record.offset + 1;
        return record;
      }
      this.#pages ??= readPartition(this.#log, this.#place, { from: this.#offset, pageBytes: PAGE_BYTES });
      const { value, done } = await this.#pages.next();
      if (done === true) {
        this.#pages = null;
        return null;
      }
      this.#page = value;
      this.#next = 0;
    }
  }

  async close(): Promise<void> {
    await this.#pages?.return(undefined);
    this.#pages = null;
  }
}
