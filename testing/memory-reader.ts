// A reader of the log in memory.
//
// Owns: positions, fairness, waiting for more. Does not own: records (memory-log.ts).
//
// Invariants: those of LogReader (topology/engine/ports.ts).

import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { FatalError } from '../lib/errors.ts';
import type { LogRecord } from '../schemas/record.ts';
import {
  type FetchedPartition,
  type LogReader,
  type PartitionPosition,
  partitionKey,
  type TopicPartition,
} from '../topology/engine/ports.ts';

/** What a record counts for in maxBytes besides its key, value and headers. */
const RECORD_BYTES = 22;

export interface StoredRecord {
  readonly record: LogRecord;
  readonly writtenAt: number;
}

export interface MemoryPartition {
  records: StoredRecord[];
  end: number;
}

/** What a reader asks of its log. */
interface Source {
  partition(where: TopicPartition): MemoryPartition;
  changed(signal: AbortSignal): Promise<void>;
  isClosed(): boolean;
  readonly clock: Clock;
}

interface Assigned extends PartitionPosition {
  offset: number;
  paused: boolean;
}

export class MemoryReader implements LogReader {
  readonly #source: Source;
  #assigned = new Map<string, Assigned>();
  #turn = 0;
  #closed = false;
  #waiting = new AbortController();

  constructor(source: Source) {
    this.#source = source;
  }

  assign(positions: readonly PartitionPosition[]): void {
    this.#assigned = new Map(positions.map((position) => [partitionKey(position), { ...position, paused: false }]));
    this.#waiting.abort();
  }

  pause(partition: TopicPartition): void {
    this.#of(partition).paused = true;
  }

  resume(partition: TopicPartition): void {
    this.#of(partition).paused = false;
    this.#waiting.abort();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#assigned = new Map();
    this.#waiting.abort();
    return Promise.resolve();
  }

  async read(options: {
    maxBytes: number;
    waitMs: number;
    signal?: AbortSignal;
  }): Promise<readonly FetchedPartition[]> {
    assert(!this.#closed, 'a closed reader is not read');
    if (this.#source.isClosed()) throw new FatalError('TRG_LOG_CLOSED', 'the log was closed while in use');
    const assigned = this.#assigned;
    await this.#wait(options.waitMs, options.signal);
    if (this.#assigned !== assigned) return [];
    const wanted = [...assigned.values()].filter(({ paused }) => !paused);
    const first = this.#turn++ % Math.max(1, wanted.length);
    let left = options.maxBytes;
    return [...wanted.slice(first), ...wanted.slice(0, first)].map((position) => {
      const { records: stored, end } = this.#source.partition(position);
      const records: LogRecord[] = [];
      let next = firstAtOrAfter(stored, position.offset);
      for (; next < stored.length; next++) {
        const { record } = stored[next]!;
        const bytes = bytesOf(record);
        const isAlone = left === options.maxBytes && bytes > left;
        if (bytes > left && !isAlone) break;
        left -= isAlone ? left : bytes;
        records.push(record);
      }
      const offset = next < stored.length ? stored[next]!.record.offset : Math.max(end, position.offset);
      position.offset = offset;
      return { topic: position.topic, partition: position.partition, records, nextOffset: offset, endOffset: end };
    });
  }

  async #wait(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (waitMs === 0) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const end = (): void => waiting.abort();
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    void this.#source.clock.sleep(waitMs, waiting.signal).then(end);
    while (!waiting.signal.aborted && !this.#source.isClosed() && !this.#hasMore()) {
      await this.#source.changed(waiting.signal);
    }
    signal?.removeEventListener('abort', end);
    end();
  }

  #hasMore(): boolean {
    return [...this.#assigned.values()].some(
      (position) => !position.paused && position.offset < this.#source.partition(position).end,
    );
  }

  #of(partition: TopicPartition): Assigned {
    const assigned = this.#assigned.get(partitionKey(partition));
    assert(assigned !== undefined, `partition ${partitionKey(partition)} is assigned to this reader`);
    return assigned;
  }
}

function firstAtOrAfter(records: readonly StoredRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.record.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bytesOf({ key, value, headers }: LogRecord): number {
  const headerBytes = headers.reduce((sum, [name, content]) => sum + 6 + Buffer.byteLength(name) + content.length, 0);
  return RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
}
