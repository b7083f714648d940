// Avro's binary encoding, value by value, for what is written and read many thousand times a second: the same bytes as a
// schema's codec gives, without the objects that a schema's records would have to be put into first.
//
// Owns: the primitive types (Avro 1.11, "Binary Encoding"). Does not own: the order of a schema's fields (state/), whole
// schemas (codec.ts).
//
// Invariants:
//   A1. A reader never reads past its end: bytes that end too early throw.

import { asBuffer } from '../lib/bytes.ts';
import { readVarint, VARINT_BYTES_MAX, varintEnd, writeVarint } from '../lib/varint.ts';

const START_BYTES = 4_096;
/** Up to so many characters a text is copied here; longer ones are worth a call out of JavaScript. */
const SHORT_TEXT = 40;

/** Bytes to be written to, which grow; used again for one value after the other. */
export class AvroWriter {
  bytes = Buffer.allocUnsafeSlow(START_BYTES);
  /** How many have been written. */
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * needed);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  /** What was written, in a buffer of its own. */
  copy(): Buffer {
    const copied = Buffer.allocUnsafe(this.length);
    this.bytes.copy(copied, 0, 0, this.length);
    return copied;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** A safe integer; Avro's `int` is the same. */
  long(value: number): void {
    this.reserve(VARINT_BYTES_MAX);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** Avro's `double`. */
  double(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** Eight bytes, the most significant first, as no type of Avro has them. */
  doubleBE(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleBE(value, this.length);
  }

  text(value: string): void {
    const { length } = value;
    if (length <= SHORT_TEXT && this.#shortText(value)) return;
    const bytes = Buffer.byteLength(value);
    this.long(bytes);
    this.reserve(bytes);
    this.length += this.bytes.write(value, this.length);
  }

  /** The bytes of `from` between `start` and `end`. */
  blob(from: Uint8Array, start = 0, end = from.length): void {
    this.long(end - start);
    this.raw(from, start, end);
  }

  /** The same without their number. */
  raw(from: Uint8Array, start = 0, end = from.length): void {
    this.reserve(end - start);
    this.length += asBuffer(from).copy(this.bytes, this.length, start, end);
  }

  /** False: it has characters of more than one byte, and nothing was written. */
  #shortText(value: string): boolean {
    const { length } = value;
    this.reserve(length + 1);
    const { bytes } = this;
    let at = this.length;
    // Up to 63 the number takes one byte.
    bytes[at++] = 2 * length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    this.length = at;
    return true;
  }
}

/** What `write` writes, in a buffer of its own. */
export function avroBytes(write: (out: AvroWriter) => void): Buffer {
  const out = new AvroWriter();
  write(out);
  return out.copy();
}

/** Bytes that are read from front to back; used again for one value after the other. */
export class AvroReader {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** From now on these. Returns itself. */
  over(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.bytes = asBuffer(bytes);
    this.at = start;
    this.end = end;
    return this;
  }

  byte(): number {
    return this.bytes[this.#skip(1)]!;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  long(): number {
    const { bytes, at } = this;
    const next = varintEnd(bytes, at, this.end);
    if (next === -1) throw endsEarly();
    this.at = next;
    return readVarint(bytes, at);
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#skip(8));
  }

  text(): string {
    const length = this.#length();
    const start = this.#skip(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** Where so many bytes begin that follow their number; `at` is then behind them. */
  blobStart(): number {
    return this.#skip(this.#length());
  }

  #length(): number {
    const length = this.long();
    if (length < 0) throw endsEarly();
    return length;
  }

  #skip(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw endsEarly();
    this.at = start + count;
    return start;
  }
}

/** An array: its items in one block. */
export function writeList<Item>(out: AvroWriter, items: readonly Item[], write: (item: Item) => void): void {
  if (items.length > 0) {
    out.long(items.length);
    for (const item of items) write(item);
  }
  out.long(0);
}

/** The same read again; a list of its own, also an empty one. */
export function readList<Item>(input: AvroReader, read: (input: AvroReader) => Item): Item[] {
  const first = input.long();
  if (first === 0) return [];
  const items = [read(input)];
  for (let left = first - 1; ; left--) {
    if (left === 0) left = input.long();
    if (left === 0) return items;
    items.push(read(input));
  }
}

function endsEarly(): Error {
  return new RangeError('the bytes end too early');
}
