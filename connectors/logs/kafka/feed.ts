// One partition as a reader follows it: what was fetched and not yet handed out, and where to fetch on.
//
// Invariants:
//   F1. Records are handed out in offset order, each once; an answer that does not start where this feed stands is dropped.
//   F2. What waits is bytes as they came. Records are made when they are handed out, so that they are soon gone again: those
//       that wait long would be moved to where garbage is expensive to collect.

import { assert } from '../../../lib/assert.ts';
import type { PartitionPosition } from '../../../topology/engine/ports.ts';
import { type Batch, BatchCursor, type BatchRecord } from './batch-decoder.ts';
import { visibleBatches } from './visible-batches.ts';
import type { FetchedPart } from './wire-requests.ts';

/** What a record counts for beyond its bytes in the log, in bounds of answers. */
const RECORD_BYTES = 16;

export class Feed {
  readonly topic: string;
  readonly partition: number;
  paused = false;
  /** The answer said that `fetchAt` is not in the log: the ends of the log have to be asked for. */
  isLost = false;
  /** Those that were not begun. */
  #batches: Batch[] = [];
  /** Of the batch that was begun. */
  #cursor: BatchCursor | null = null;
  #next: BatchRecord | null = null;
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
    return this.#next === null;
  }

  /** Of batches that were not begun, as they came: perhaps packed. */
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
    return this.#next?.offset ?? this.#fetchAt;
  }

  /** Takes an answer to a fetch from `from` that was asked in read number `asOf`. */
  land(part: FetchedPart, from: number, asOf: number): void {
    if (from !== this.#fetchAt) return;
    const { batches, position } = visibleBatches(part, from);
    assert(position >= from, 'an answer leads forwards (F1)');
    this.#batches.push(...batches);
    this.#bufferedBytes += batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (this.#next === null) this.#advance(from);
    this.#fetchAt = position;
    // Not the last stable offset: what a transaction that is still open will bring must hold stream time back (I3).
    this.#end = part.highWatermark;
    this.#endAsOf = Math.max(this.#endAsOf, asOf);
  }

  /** Hands out records of up to `maxBytes`; the first whatever its size when `atLeastOne`. */
  take(maxBytes: number, atLeastOne: boolean): { records: readonly BatchRecord[]; bytes: number } {
    const records: BatchRecord[] = [];
    let bytes = 0;
    for (let next = this.#next; next !== null; next = this.#next) {
      const size = RECORD_BYTES + next.size;
      if (bytes + size > maxBytes && !(atLeastOne && records.length === 0)) break;
      bytes += size;
      records.push(next);
      this.#advance(next.offset + 1);
    }
    return { records, bytes };
  }

  /** Forgets what is buffered, to be fetched again. */
  drop(): void {
    this.#fetchAt = this.position;
    this.#batches = [];
    this.#cursor = null;
    this.#next = null;
    this.#bufferedBytes = 0;
  }

  /** Goes on at another offset. */
  moveTo(offset: number): void {
    this.drop();
    this.#fetchAt = offset;
    this.isLost = false;
  }

  /** Finds the next record at or after this offset. */
  #advance(fromOffset: number): void {
    for (;;) {
      this.#next = this.#cursor?.next(fromOffset) ?? null;
      if (this.#next !== null) return;
      const batch = this.#batches.shift();
      if (batch === undefined) {
        this.#cursor = null;
        return;
      }
      this.#bufferedBytes -= batch.bytes.length;
      this.#cursor = new BatchCursor(batch);
    }
  }
}
