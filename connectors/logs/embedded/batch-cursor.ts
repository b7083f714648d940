// Decodes the records of a chunk of batches, a few at a time.
//
// Invariants:
//   D1. A batch whose checksum, offsets or shape are wrong is an error with file and byte position, never passed over.

import type { FatalError } from '../../../lib/errors.ts';
import { type LogRecord, NO_HEADERS, type RecordHeader } from '../../../schemas/record.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  isSealed,
  RECORD_HEADER_BYTES,
  readBatchHeader,
  viewOf,
} from './batch.ts';
import { corruptError } from './log-errors.ts';

/** Batches to decode, and where they came from. */
export interface BatchBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly path: string;
  readonly position: number;
  /** Records below this offset are passed over. */
  readonly from: number;
}

/** Reads forward through the records of some batches. Keys and values are views of the bytes, not copies. */
export class BatchCursor {
  readonly #source: BatchBytes;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;
  /** The batch being read, where it starts and ends, and how many of its records are still to come. */
  #batch: BatchHeader | undefined;
  #batchStart = 0;
  #batchEnd = 0;
  #left = 0;
  #nextOffset: number;

  constructor(source: BatchBytes) {
    this.#source = source;
    this.#bytes = source.bytes;
    this.#view = viewOf(source.bytes);
    this.#nextOffset = source.from;
    this.#settle();
  }

  /** Offset after the last record taken. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Time of writing of the batch that the next record is in. */
  get writtenAt(): number {
    return this.#batch?.writtenAt ?? 0;
  }

  /** Bytes of the next record; 0 when there is none. */
  get nextBytes(): number {
    return this.#left === 0 ? 0 : this.#recordEnd(this.#at) - this.#at;
  }

  /** Takes records while they fit in `maxBytes`, onto `into`; returns their bytes. Throws FatalError TRG_LOG_CORRUPT. */
  take(maxBytes: number, into: LogRecord[]): number {
    let taken = 0;
    while (this.#left > 0) {
      const end = this.#recordEnd(this.#at);
      const bytes = end - this.#at;
      if (taken + bytes > maxBytes) break;
      const record = this.#decode();
      if (this.#at !== end) throw this.#corrupt('a record does not end where it says');
      into.push(record);
      taken += bytes;
      this.#nextOffset = record.offset + 1;
      this.#left--;
      if (this.#left === 0) this.#settle();
    }
    return taken;
  }

  /** Takes the next record; undefined at the end. */
  next(): LogRecord | undefined {
    const one: LogRecord[] = [];
    this.take(this.nextBytes, one);
    return one[0];
  }

  /** Moves to the next batch that has a record at or above `from`. */
  #settle(): void {
    while (this.#left === 0) {
      if (this.#batch !== undefined && this.#at !== this.#batchEnd) throw this.#corrupt('a batch has bytes left over');
      if (this.#at === this.#bytes.length) return;
      this.#enterBatch();
      while (this.#left > 0 && this.#offsetAt(this.#at) < this.#source.from) {
        this.#at = this.#recordEnd(this.#at);
        this.#left--;
      }
    }
  }

  #enterBatch(): void {
    const previous = this.#batch;
    this.#batchStart = this.#at;
    this.#batchEnd = this.#bytes.length;
    if (this.#at + BATCH_HEADER_BYTES > this.#bytes.length) throw this.#corrupt('a batch is cut short');
    const batch = readBatchHeader(this.#view, this.#at);
    if (batch === undefined) throw this.#corrupt('no batch starts here');
    this.#batchEnd = this.#at + batch.bytes;
    if (this.#batchEnd > this.#bytes.length) throw this.#corrupt('a batch is cut short');
    if (!isSealed(this.#bytes.subarray(this.#at, this.#batchEnd))) throw this.#corrupt('its checksum is wrong');
    if (previous !== undefined && batch.baseOffset < previous.nextOffset) throw this.#corrupt('its offsets go back');
    this.#batch = batch;
    this.#left = batch.records;
    this.#at += BATCH_HEADER_BYTES;
  }

  #offsetAt(at: number): number {
    return this.#batch!.baseOffset + this.#view.getUint32(at, true);
  }

  #recordEnd(at: number): number {
    const view = this.#view;
    if (at + RECORD_HEADER_BYTES > this.#batchEnd) throw this.#corrupt('a record is cut short');
    let end = at + RECORD_HEADER_BYTES;
    end += Math.max(0, view.getInt32(at + 12, true)) + Math.max(0, view.getInt32(at + 16, true));
    for (let headers = view.getUint16(at + 20, true); headers > 0; headers--) {
      if (end + 6 > this.#batchEnd) throw this.#corrupt('a record is cut short');
      end += 6 + view.getUint16(end, true) + Math.max(0, view.getInt32(end + 2, true));
    }
    if (end > this.#batchEnd) throw this.#corrupt('a record is cut short');
    return end;
  }

  #decode(): LogRecord {
    const view = this.#view;
    const at = this.#at;
    const offset = this.#offsetAt(at);
    const timestamp = view.getFloat64(at + 4, true);
    const keyBytes = view.getInt32(at + 12, true);
    const valueBytes = view.getInt32(at + 16, true);
    const headerCount = view.getUint16(at + 20, true);
    this.#at = at + RECORD_HEADER_BYTES;
    const key = keyBytes < 0 ? null : this.#slice(keyBytes);
    const value = valueBytes < 0 ? null : this.#slice(valueBytes);
    const headers = headerCount === 0 ? NO_HEADERS : this.#decodeHeaders(headerCount);
    return { offset, timestamp, key, value, headers };
  }

  #decodeHeaders(count: number): RecordHeader[] {
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const nameBytes = this.#view.getUint16(this.#at, true);
      const valueBytes = this.#view.getInt32(this.#at + 2, true);
      this.#at += 6;
      const name = this.#slice(nameBytes);
      headers.push([Buffer.from(name.buffer, name.byteOffset, nameBytes).toString('utf8'), this.#slice(valueBytes)]);
    }
    return headers;
  }

  #slice(bytes: number): Uint8Array<ArrayBuffer> {
    const source = this.#bytes;
    const slice = new Uint8Array(source.buffer, source.byteOffset + this.#at, bytes);
    this.#at += bytes;
    return slice;
  }

  #corrupt(what: string): FatalError {
    return corruptError(this.#source.path, this.#source.position + this.#batchStart, what);
  }
}
