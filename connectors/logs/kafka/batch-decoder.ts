// Record batches (Kafka's format, version 2) from bytes to records.
//
// Owns: the layout of batches and records, their checksums. Does not own: which batches are to be seen (visible-batches.ts),
// codecs (compression.ts).
//
// Invariants:
//   D1. Nothing is taken from a batch whose checksum is wrong: it is asked for again.
//
// Layout of a batch, by byte: 0 base offset (8), 8 length of the rest (4), 12 leader epoch (4), 16 magic (1), 17 crc32c of
// what follows (4), 21 attributes (2), 23 last offset delta (4), 27 first timestamp (8), 35 largest timestamp (8),
// 43 producer id (8), 51 producer epoch (2), 53 first sequence (4), 57 record count (4), 61 records.

import { crc32c } from '@platformatic/kafka';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
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
  readonly #input: RecordBytes;
  readonly #records: Buffer;
  readonly #baseOffset: number;
  readonly #firstTimestamp: number;
  /** Null where each record has its own. */
  readonly #appendTime: number | null;
  #left: number;

  constructor({ bytes, baseOffset }: Batch) {
    const attributes = bytes.readInt16BE(21);
    this.#baseOffset = baseOffset;
    this.#firstTimestamp = Number(bytes.readBigInt64BE(27));
    this.#appendTime = (attributes & APPEND_TIME) === 0 ? null : Number(bytes.readBigInt64BE(35));
    this.#left = bytes.readInt32BE(57);
    this.#records = unpack(bytes.subarray(BATCH_BYTES), attributes & COMPRESSED);
    this.#input = new RecordBytes(this.#records);
  }

  /** The next record at or after this offset; null when there is none left. */
  next(fromOffset: number): BatchRecord | null {
    const input = this.#input;
    while (this.#left-- > 0) {
      const length = input.varint();
      const end = input.at + length;
      input.at++;
      const timestamp = this.#firstTimestamp + input.varint();
      const offset = this.#baseOffset + input.varint();
      const at = input.at;
      input.at = end;
      if (offset >= fromOffset)
        return new BatchRecord(offset, this.#appendTime ?? timestamp, length, this.#records, at);
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
    return new RecordBytes(this.#batch, this.#at).bytes();
  }

  get value(): Buffer | null {
    const input = new RecordBytes(this.#batch, this.#at);
    input.skip();
    return input.bytes();
  }

  get headers(): readonly RecordHeader[] {
    const input = new RecordBytes(this.#batch, this.#at);
    input.skip();
    input.skip();
    return headersOf(input);
  }
}

/** Whether a control batch ends its producer's transaction by aborting it. */
export function isAbortMarker(batch: Batch): boolean {
  // The one record of a control batch: length, attributes, two deltas, then its key of version (2) and type (2).
  const input = new RecordBytes(batch.bytes.subarray(BATCH_BYTES));
  input.varint();
  input.at++;
  input.varint();
  input.varint();
  const key = input.bytes();
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}

function headersOf(input: RecordBytes): readonly RecordHeader[] {
  const count = input.varint();
  if (count === 0) return NO_HEADERS;
  return Array.from({ length: count }, () => [input.bytes()!.toString('utf8'), input.bytes() ?? Buffer.alloc(0)]);
}

class RecordBytes {
  readonly #buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.at = at;
  }

  /** A zigzag-encoded whole number of up to 64 bits, exact below 2^52: offsets, lengths and times are. */
  varint(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let raw = byte & 0x7f;
    for (let weight = 0x80; byte >= 0x80; weight *= 0x80) {
      byte = buffer[this.at++]!;
      raw += (byte & 0x7f) * weight;
    }
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  /** Past a key or value. */
  skip(): void {
    const length = this.varint();
    if (length > 0) this.at += length;
  }

  /** Null where the length is -1. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.at;
    this.at = start + length;
    return this.#buffer.subarray(start, this.at);
  }
}
