// Record batches (Kafka's format, version 2) from bytes to records.
//
// Owns: the layout of batches and records, their checksums. Does not own: which batches are to be seen (visible-batches.ts),
// codecs (compression.ts).
//
// Invariants:
//   D1. Nothing is taken from a batch whose checksum is wrong: it is asked for again. So records are whole, and read
//       without looking for their end.
//
// Layout of a batch, by byte: 0 base offset (8), 8 length of the rest (4), 12 leader epoch (4), 16 magic (1), 17 crc32c of
// what follows (4), 21 attributes (2), 23 last offset delta (4), 27 first timestamp (8), 35 largest timestamp (8),
// 43 producer id (8), 51 producer epoch (2), 53 first sequence (4), 57 record count (4), 61 records.

import { crc32c } from '@platformatic/kafka';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { afterVarint, readVarint } from '../../../lib/varint.ts';
import { type LogRecord, NO_HEADERS, type RecordHeader } from '../../../schemas/record.ts';
import { unpack } from './compression.ts';

const HEAD_BYTES = 12;
const BATCH_BYTES = 61;
const COMPRESSED = 0b111;
const APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export interface Batch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** The whole batch. */
  readonly bytes: Buffer;
}

/**
 * The batches in an answer, in order. What is cut off at its end is left out: it is fetched again.
 * Throws RetryableError TRG_LOG_DAMAGED (D1); the caller knows the partition.
 */
export function* batchesIn(bytes: Buffer): Generator<Batch> {
  for (let at = 0; at + BATCH_BYTES <= bytes.length; ) {
    const end = at + HEAD_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) return;
    if (bytes[at + 16] !== 2) {
      throw new FatalError('TRG_LOG_REFUSED', `record format ${bytes[at + 16]} is older than Kafka 0.11 and not read`);
    }
    const attributes = bytes.readInt16BE(at + 21);
    const baseOffset = Number(bytes.readBigInt64BE(at));
    // A gigabyte or more a second, measured: less than a hundredth of what a record costs.
    if (crc32c(bytes.subarray(at + 21, end)) >>> 0 !== bytes.readUInt32BE(at + 17)) throw damaged(baseOffset);
    yield {
      baseOffset,
      lastOffset: baseOffset + bytes.readInt32BE(at + 23),
      producerId: bytes.readBigInt64BE(at + 43),
      isTransactional: (attributes & TRANSACTIONAL) !== 0,
      isControl: (attributes & CONTROL) !== 0,
      bytes: bytes.subarray(at, end),
    };
    at = end;
  }
}

function damaged(offset: number): RetryableError {
  const text = `the records at offset ${offset} do not match their checksum: they were damaged on their way or on a broker's disk`;
  return new RetryableError('TRG_LOG_DAMAGED', text, { offset });
}

/** The records of a batch one after the other, each made when it is come to: of what is fetched ahead only bytes wait. */
export class BatchCursor {
  readonly #records: Buffer;
  readonly #baseOffset: number;
  readonly #firstTimestamp: number;
  /** Null where each record has its own. */
  readonly #appendTime: number | null;
  #at = 0;
  #left: number;

  constructor({ bytes, baseOffset }: Batch) {
    const attributes = bytes.readInt16BE(21);
    this.#baseOffset = baseOffset;
    this.#firstTimestamp = Number(bytes.readBigInt64BE(27));
    this.#appendTime = (attributes & APPEND_TIME) === 0 ? null : Number(bytes.readBigInt64BE(35));
    this.#left = bytes.readInt32BE(57);
    this.#records = unpack(bytes.subarray(BATCH_BYTES), attributes & COMPRESSED);
  }

  /** The next record at or after this offset; null when there is none left. */
  next(fromOffset: number): BatchRecord | null {
    const records = this.#records;
    while (this.#left-- > 0) {
      const length = readVarint(records, this.#at);
      const start = afterVarint(records, this.#at);
      this.#at = start + length;
      const offsetAt = afterVarint(records, start + 1);
      const offset = this.#baseOffset + readVarint(records, offsetAt);
      if (offset < fromOffset) continue;
      const timestamp = this.#appendTime ?? this.#firstTimestamp + readVarint(records, start + 1);
      return new BatchRecord(offset, timestamp, length, records, afterVarint(records, offsetAt));
    }
    return null;
  }
}

/** A record in its batch's bytes: key, value and headers are views, made when asked for. */
export class BatchRecord implements LogRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** Bytes in the log. */
  readonly size: number;
  readonly #batch: Buffer;
  /** Where its key begins. */
  readonly #at: number;

  constructor(offset: number, timestamp: number, size: number, batch: Buffer, at: number) {
    this.offset = offset;
    this.timestamp = timestamp;
    this.size = size;
    this.#batch = batch;
    this.#at = at;
  }

  get key(): Buffer | null {
    return bytesAt(this.#batch, this.#at);
  }

  get value(): Buffer | null {
    return bytesAt(this.#batch, afterBytes(this.#batch, this.#at));
  }

  get headers(): readonly RecordHeader[] {
    return headersAt(this.#batch, afterBytes(this.#batch, afterBytes(this.#batch, this.#at)));
  }
}

/** Whether a control batch ends its producer's transaction by aborting it. */
export function isAbortMarker(batch: Batch): boolean {
  // The one record of a control batch has a key of version (2) and type (2).
  const key = new BatchCursor(batch).next(batch.baseOffset)?.key ?? null;
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}

function headersAt(buffer: Buffer, start: number): readonly RecordHeader[] {
  const count = readVarint(buffer, start);
  if (count === 0) return NO_HEADERS;
  let at = afterVarint(buffer, start);
  return Array.from({ length: count }, () => {
    const name = bytesAt(buffer, at)!.toString('utf8');
    at = afterBytes(buffer, at);
    const content = bytesAt(buffer, at) ?? Buffer.alloc(0);
    at = afterBytes(buffer, at);
    return [name, content] as const;
  });
}

/** Bytes behind their number; null where that is -1. */
function bytesAt(buffer: Buffer, at: number): Buffer | null {
  const length = readVarint(buffer, at);
  if (length < 0) return null;
  const start = afterVarint(buffer, at);
  return buffer.subarray(start, start + length);
}

/** Where they end. */
function afterBytes(buffer: Buffer, at: number): number {
  const length = readVarint(buffer, at);
  const start = afterVarint(buffer, at);
  return length > 0 ? start + length : start;
}
