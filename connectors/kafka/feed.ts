// One partition as a reader follows it: what was fetched and not yet handed out, and where to fetch on.
//
// Invariants:
//   F1. Records are handed out in offset order, each once; an answer that does not start where this feed stands is dropped.

import type { LogRecord } from '../../schemas/record.ts';
import type { PartitionPosition } from '../../topology/ports.ts';
import { visibleRecords } from './visible-records.ts';
import type { FetchedPart } from './wire-requests.ts';

/** What a record counts for beyond its own bytes, in bounds of answers. */
const RECORD_BYTES = 22;

export class Feed {
  readonly topic: string;
  readonly partition: number;
  paused = false;
  /** The answer said that `fetchAt` is not in the log: the ends of the log have to be asked for. */
  isLost = false;
  #records: readonly LogRecord[] = [];
  #next = 0;
  #bufferedBytes = 0;
  #fetchAt: number;
  #end = 0;
  #endAsOf = -1;

  constructor({ topic, partition, offset }: PartitionPosition) {
    this.topic = topic;
    this.partition = partition;
    this.#fetchAt = offset;
  }

  get fetchAt(): number {
    return this.#fetchAt;
  }

  get isEmpty(): boolean {
    return this.#next === this.#records.length;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** First offset that could not be read as of `endAsOf`. */
  get end(): number {
    return this.#end;
  }

  /** The number of the read in which the end was last asked for. */
  get endAsOf(): number {
    return this.#endAsOf;
  }

  /** Where the next record handed out may be. */
  get position(): number {
    return this.isEmpty ? this.#fetchAt : this.#records[this.#next]!.offset;
  }

  /** Takes an answer to a fetch from `from` that was asked in read number `asOf`. */
  land(part: FetchedPart, from: number, asOf: number): void {
    if (from !== this.#fetchAt) return;
    const { records, position } = visibleRecords(part, from);
    this.#records = this.isEmpty ? records : [...this.#records.slice(this.#next), ...records];
    this.#next = 0;
    this.#bufferedBytes += records.reduce((sum, record) => sum + sizeOf(record), 0);
    this.#fetchAt = position;
    // Not the last stable offset: what a transaction that is still open will bring must hold stream time back (I3).
    this.#end = part.highWatermark;
    this.#endAsOf = Math.max(this.#endAsOf, asOf);
  }

  /** Hands out records of up to `maxBytes`; the first whatever its size when `atLeastOne`. */
  take(maxBytes: number, atLeastOne: boolean): { records: readonly LogRecord[]; bytes: number } {
    const start = this.#next;
    let bytes = 0;
    for (; !this.isEmpty; this.#next++) {
      const size = sizeOf(this.#records[this.#next]!);
      if (bytes + size > maxBytes && !(atLeastOne && this.#next === start)) break;
      bytes += size;
    }
    const records = this.#records.slice(start, this.#next);
    this.#bufferedBytes -= bytes;
    if (this.isEmpty) {
      this.#records = [];
      this.#next = 0;
    }
    return { records, bytes };
  }

  /** Forgets what is buffered, to be fetched again. */
  drop(): void {
    this.#fetchAt = this.position;
    this.#records = [];
    this.#next = 0;
    this.#bufferedBytes = 0;
  }

  /** Goes on at another offset. */
  moveTo(offset: number): void {
    this.drop();
    this.#fetchAt = offset;
    this.isLost = false;
  }
}

function sizeOf({ key, value, headers }: LogRecord): number {
  let size = RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, bytes] of headers) size += name.length + bytes.length;
  return size;
}
