// Records to record batches (Kafka's format, version 2; layout in batch-decoder.ts) of one producer.
//
// Owns: encoding. Does not own: sequences (batch-sender.ts), which are filled in when a batch is sent.

import { crc32c } from '@platformatic/kafka';
import { varintSize, writeVarint } from '../../../lib/varint.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import { type Codec, pack } from './compression.ts';

const BATCH_BYTES = 61;
const TRANSACTIONAL = 1 << 4;
/** Most that one record adds to its own key, value and headers: five varints of up to ten bytes, and room for more. */
const RECORD_OVERHEAD = 64;
const START_BYTES = 4_096;

/** The records of one partition, as they are added. */
export class BatchBuilder {
  #buffer: Buffer;
  #at = BATCH_BYTES;
  #count = 0;
  #firstTimestamp = 0;
  #maxTimestamp = 0;
  #largest = 0;
  readonly #codec: Codec;

  /** Writes over `buffer`; left out: one of its own. */
  constructor(codec: Codec, buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES)) {
    this.#codec = codec;
    this.#buffer = buffer;
  }

  /** What it has written to, for the next builder once nobody needs this one's bytes. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Bytes of the largest record. */
  get largest(): number {
    return this.#largest;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes so far, not packed. */
  get length(): number {
    return this.#at;
  }

  /** Copies the record. */
  add(record: NewRecord): void {
    const { timestamp, key, value } = record;
    if (this.#count === 0) {
      this.#firstTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    }
    this.#maxTimestamp = Math.max(this.#maxTimestamp, timestamp);
    const headers = record.headers.length === 0 ? NO_HEADERS : encodedHeaders(record);
    const headerBytes = headers.reduce((sum, [name, bytes]) => sum + name.length + bytes.length + 10, 0);
    const body = (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
    this.#reserve(body + RECORD_OVERHEAD);
    this.#largest = Math.max(this.#largest, body);
    const timeDelta = timestamp - this.#firstTimestamp;
    let length = 1 + varintSize(timeDelta) + varintSize(this.#count) + varintSize(headers.length);
    length += sizedBytes(key) + sizedBytes(value);
    for (const [name, bytes] of headers) length += sizedBytes(name) + sizedBytes(bytes);
    this.#varint(length);
    this.#buffer[this.#at++] = 0;
    this.#varint(timeDelta);
    this.#varint(this.#count);
    this.#bytes(key);
    this.#bytes(value);
    this.#varint(headers.length);
    for (const [name, bytes] of headers) {
      this.#bytes(name);
      this.#bytes(bytes);
    }
    this.#count++;
  }

  /** The batch's bytes; the builder is then not to be used again. */
  finish(producerId: bigint, producerEpoch: number, firstSequence: number, isTransactional = true): Buffer {
    const { bytes, bits } = pack(this.#buffer.subarray(BATCH_BYTES, this.#at), this.#codec);
    const length = BATCH_BYTES + bytes.length;
    const batch = this.#buffer.subarray(0, length);
    batch.set(bytes, BATCH_BYTES);
    batch.writeBigInt64BE(0n, 0);
    batch.writeInt32BE(length - 12, 8);
    batch.writeInt32BE(-1, 12);
    batch[16] = 2;
    batch.writeInt16BE(isTransactional ? TRANSACTIONAL | bits : bits, 21);
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#firstTimestamp), 27);
    batch.writeBigInt64BE(BigInt(this.#maxTimestamp), 35);
    batch.writeBigInt64BE(producerId, 43);
    batch.writeInt16BE(producerEpoch, 51);
    batch.writeInt32BE(firstSequence, 53);
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17);
    return batch;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #bytes(bytes: Uint8Array | null): void {
    this.#varint(bytes === null ? -1 : bytes.length);
    if (bytes === null) return;
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #varint(value: number): void {
    this.#at = writeVarint(this.#buffer, this.#at, value);
  }
}

type EncodedHeader = readonly [name: Buffer, bytes: Uint8Array];

const NO_HEADERS: readonly EncodedHeader[] = [];

function encodedHeaders({ headers }: NewRecord): readonly EncodedHeader[] {
  return headers.map(([name, bytes]) => [Buffer.from(name), bytes]);
}

function sizedBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}
