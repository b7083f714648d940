// The bytes of record batches: the format of segment files, and what threads hand each other.
//
// Owns: encoding, sealing, and walking batch headers. Does not own: decoding records (batch-cursor.ts), files.
//
// A batch is a header and its records, all little-endian:
//   header  u32 crc | u32 payload bytes | u32 magic | u32 records | u64 base offset | u64 written at, ms | u32 span
//   record  u32 offset - base | f64 timestamp | i32 key bytes | i32 value bytes | u16 headers | key | value | headers
//   header of a record  u16 name bytes | i32 value bytes | name | value
// -1 bytes mean null. `span` is the number of offsets the batch covers, gaps of compaction included.
//
// Invariants:
//   B1. The crc covers everything of the batch after itself, its offset included: a batch cannot be read elsewhere.
//   B2. A record is never split between batches.

import { crc32 } from 'node:zlib';
import { assert } from '../../../lib/assert.ts';
import { RecordError } from '../../../lib/errors.ts';
import type { LogRecord, NewRecord } from '../../../schemas/record.ts';

export const BATCH_HEADER_BYTES = 36;
export const RECORD_HEADER_BYTES = 22;

/** A batch is ended once it is this long: the grain of checksums and of the offset index. */
export const BATCH_BYTES = 128 * 1024;

/** Longer records are refused: one must fit in memory several times over. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** So that an offset within its batch fits in 32 bits, whatever compaction took away between. */
const SPAN_MAX = 0x7fff_ffff;

/** 'TLB1' */
const MAGIC = 0x31424c54;
/** Room for the records of a usual commit; beyond it the buffer doubles. */
const INITIAL_BYTES = 16 * 1024;

/** A builder that grew beyond this is not kept for the next transaction. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

type Content = Pick<NewRecord | LogRecord, 'timestamp' | 'key' | 'value' | 'headers'>;

export interface BatchHeader {
  /** Header and payload. */
  readonly bytes: number;
  readonly baseOffset: number;
  /** Offset after the last one the batch covers. */
  readonly nextOffset: number;
  readonly writtenAt: number;
  readonly records: number;
}

/** Encodes records into one growing buffer of batches. */
export class BatchEncoder {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #view = viewOf(this.#buffer);
  #used = 0;
  /** Where the open batch starts; -1: none is open. */
  #start = -1;
  #base = 0;
  #last = 0;
  #records = 0;
  #writtenAt = 0;

  /** Bytes encoded since the last clear. */
  get bytes(): number {
    return this.#used;
  }

  /**
   * Adds a record; offsets rise from call to call (from 0 in a transaction, whose place in the log is not known yet).
   * Throws RecordError TRG_RECORD_TOO_LARGE and adds nothing.
   */
  add(record: Content, offset: number, writtenAt = 0): void {
    const size = encodedBytes(record);
    if (this.#start >= 0) {
      const isLong = this.#used - this.#start + size > BATCH_BYTES;
      if (isLong || offset - this.#base > SPAN_MAX) this.cut();
    }
    this.#reserve(size + BATCH_HEADER_BYTES);
    if (this.#start < 0) this.#begin(offset);
    this.#last = offset;
    this.#records++;
    if (writtenAt > this.#writtenAt) this.#writtenAt = writtenAt;
    const buffer = this.#buffer;
    const view = this.#view;
    const { key, value, headers } = record;
    let at = this.#used;
    view.setUint32(at, offset - this.#base, true);
    view.setFloat64(at + 4, record.timestamp, true);
    view.setInt32(at + 12, key === null ? -1 : key.length, true);
    view.setInt32(at + 16, value === null ? -1 : value.length, true);
    view.setUint16(at + 20, headers.length, true);
    at += RECORD_HEADER_BYTES;
    if (key !== null) {
      buffer.set(key, at);
      at += key.length;
    }
    if (value !== null) {
      buffer.set(value, at);
      at += value.length;
    }
    for (const [name, content] of headers) {
      const nameBytes = buffer.write(name, at + 6, 'utf8');
      view.setUint16(at, nameBytes, true);
      view.setInt32(at + 2, content.length, true);
      buffer.set(content, at + 6 + nameBytes);
      at += 6 + nameBytes + content.length;
    }
    this.#used = at;
  }

  /** Ends the open batch, if any. */
  cut(): void {
    if (this.#start < 0) return;
    const start = this.#start;
    this.#view.setUint32(start + 4, this.#used - start - BATCH_HEADER_BYTES, true);
    this.#view.setUint32(start + 8, MAGIC, true);
    this.#view.setUint32(start + 12, this.#records, true);
    setUint64(this.#view, start + 16, this.#base);
    setUint64(this.#view, start + 24, this.#writtenAt);
    this.#view.setUint32(start + 32, this.#last - this.#base + 1, true);
    this.#start = -1;
  }

  /** All batches, not yet sealed. The bytes belong to the encoder and are valid until it is cleared. */
  finish(): Uint8Array<ArrayBuffer> {
    this.cut();
    return new Uint8Array(this.#buffer.buffer as ArrayBuffer, 0, this.#used);
  }

  /** Forgets what was added; memory is reused unless it was handed to another thread or has grown large. */
  clear(): void {
    this.#used = 0;
    this.#start = -1;
    if (this.#buffer.length > 0 && this.#buffer.length <= KEPT_BYTES_MAX) return;
    this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#view = viewOf(this.#buffer);
  }

  #begin(offset: number): void {
    this.#start = this.#used;
    this.#used += BATCH_HEADER_BYTES;
    this.#base = offset;
    this.#records = 0;
    this.#writtenAt = 0;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + bytes));
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = grown;
    this.#view = viewOf(grown);
  }
}

/**
 * Gives batches their place and checksum: `shift` is added to their offsets; `writtenAt` null keeps theirs.
 * Returns the offset after the last.
 */
export function sealBatches(bytes: Uint8Array, shift: number, writtenAt: number | null): number {
  const view = viewOf(bytes);
  let nextOffset = shift;
  for (let at = 0; at < bytes.length; ) {
    const end = at + BATCH_HEADER_BYTES + view.getUint32(at + 4, true);
    assert(end <= bytes.length, 'a batch ends within its buffer');
    const base = getUint64(view, at + 16) + shift;
    setUint64(view, at + 16, base);
    if (writtenAt !== null) setUint64(view, at + 24, writtenAt);
    view.setUint32(at, crc32(bytes.subarray(at + 4, end)), true);
    nextOffset = base + view.getUint32(at + 32, true);
    at = end;
  }
  return nextOffset;
}

/** The header at `at`; undefined when the bytes there cannot be one. Needs BATCH_HEADER_BYTES bytes there. */
export function readBatchHeader(view: DataView, at: number): BatchHeader | undefined {
  const payload = view.getUint32(at + 4, true);
  const span = view.getUint32(at + 32, true);
  if (view.getUint32(at + 8, true) !== MAGIC || payload === 0 || span === 0) return undefined;
  const baseOffset = getUint64(view, at + 16);
  return {
    bytes: BATCH_HEADER_BYTES + payload,
    baseOffset,
    nextOffset: baseOffset + span,
    writtenAt: getUint64(view, at + 24),
    records: view.getUint32(at + 12, true),
  };
}

/** Whether the whole batch `bytes` carries its own checksum (B1). */
export function isSealed(bytes: Uint8Array): boolean {
  return crc32(bytes.subarray(4)) === viewOf(bytes).getUint32(0, true);
}

/** Bytes a record takes, which is what `maxBytes` of a read counts. Throws RecordError TRG_RECORD_TOO_LARGE. */
export function encodedBytes(record: Content): number {
  let bytes = RECORD_HEADER_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > 0xffff) throw tooLarge(`a header's name of ${nameBytes} bytes; at most ${0xffff} are kept`);
    bytes += 6 + nameBytes + value.length;
  }
  if (record.headers.length > 0xffff) throw tooLarge(`${record.headers.length} headers; at most ${0xffff} are kept`);
  if (bytes > RECORD_BYTES_MAX) throw tooLarge(`${bytes} bytes; the embedded log takes up to ${RECORD_BYTES_MAX}`);
  return bytes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLarge(what: string): RecordError {
  return new RecordError('TRG_RECORD_TOO_LARGE', `a record has ${what}`);
}

/** Offsets and times are safe integers, so two halves do without a BigInt. */
function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function getUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
