// Documents in their encoded form, one after the other in a few large pieces of memory: what a thousand objects a document
// would cost the garbage collector, these do not.
//
// Owns: the records and their layout, which of them is the newest of its key. Does not own: what is in them
// (document-store.ts).
//
// Invariants:
//   T1. Records are never moved or written over: views of them stay what they were, also when the table is dropped.
//   T2. Of each key at most one record is alive, the newest.

import type { AvroReader, AvroWriter } from '../schemas/avro-bytes.ts';
import { DOCUMENT } from './key-codec.ts';

/** Bytes of a piece; a larger record has one of its own. */
const PIECE_BYTES = 256 * 1024;
/** Flags (1), due row in the key-value store (8), bytes of row key (4) and value (4); then the row key, then the value. */
const HEADER_BYTES = 17;
const ALIVE = 1;
const KNOWN = 2;
const DELETED = 4;
/** A character takes at most so many bytes in UTF-8. */
const UTF8_BYTES_MAX = 3;

const NO_BYTES = Buffer.alloc(0);

interface Piece {
  readonly bytes: Buffer;
  length: number;
}

/** What stands beside a document's bytes. */
export interface RecordHead {
  /** Whether the changelog or the key-value store has had it: that it goes must then be written there. */
  readonly isKnown: boolean;
  /** When it is due as the key-value store has it; Infinity: no row there. */
  readonly storedDue: number;
}

/** A record, where it is; while records are gone through, this one object stands for each in turn. */
export class StoredRecord implements RecordHead {
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #valueAt = 0;
  #end = 0;

  /** Moves to the record at `at`; false: it is not alive. */
  moveTo(bytes: Buffer, at: number): boolean {
    this.#bytes = bytes;
    this.#at = at;
    this.#valueAt = at + HEADER_BYTES + bytes.readUInt32LE(at + 9);
    this.#end = this.#valueAt + bytes.readUInt32LE(at + 13);
    return (bytes[at]! & ALIVE) !== 0;
  }

  /** Where the next one begins. */
  get end(): number {
    return this.#end;
  }

  get isKnown(): boolean {
    return (this.#bytes[this.#at]! & KNOWN) !== 0;
  }

  get storedDue(): number {
    return this.#bytes.readDoubleLE(this.#at + 1);
  }

  /** The key of its row in the key-value store. */
  get row(): Buffer {
    return this.#bytes.subarray(this.#at + HEADER_BYTES, this.#valueAt);
  }

  /** The document's key, in UTF-8. */
  get key(): Buffer {
    return this.#bytes.subarray(this.#at + HEADER_BYTES + 1, this.#valueAt);
  }

  /** Null: the document was deleted. */
  get value(): Buffer | null {
    return (this.#bytes[this.#at]! & DELETED) === 0 ? this.#bytes.subarray(this.#valueAt, this.#end) : null;
  }

  /** The float64 with which a value begins; Infinity: the document was deleted. */
  get due(): number {
    return (this.#bytes[this.#at]! & DELETED) === 0 ? this.#bytes.readDoubleBE(this.#valueAt) : Infinity;
  }
}

export class DocumentTable {
  readonly #pieces: Piece[] = [];
  /** Where the newest record of each key is: number of the piece times PIECE_BYTES, and the place in it. */
  readonly #places = new Map<string, number>();
  #bytes = 0;

  /** Bytes of all records, also of those that are not alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have a record. */
  get size(): number {
    return this.#places.size;
  }

  /** Where the next record will stand. */
  get end(): number {
    const last = this.#pieces.length - 1;
    return last < 0 ? 0 : last * PIECE_BYTES + Math.min(this.#pieces[last]!.length, PIECE_BYTES);
  }

  /** The place of this key's record; undefined: it has none. */
  placeOf(key: string): number | undefined {
    return this.#places.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#places.keys();
  }

  /** Adds a record with the value that stands in `value`; null: the document is deleted. */
  put(key: string, { isKnown, storedDue }: RecordHead, value: AvroWriter | null): void {
    this.#kill(key);
    const valueLength = value?.length ?? 0;
    const piece = this.#room(HEADER_BYTES + 1 + UTF8_BYTES_MAX * key.length + valueLength);
    const { bytes, length: at } = piece;
    bytes[at + HEADER_BYTES] = DOCUMENT;
    const keyLength = 1 + writeText(bytes, key, at + HEADER_BYTES + 1);
    bytes[at] = ALIVE | (isKnown ? KNOWN : 0) | (value === null ? DELETED : 0);
    bytes.writeDoubleLE(storedDue, at + 1);
    bytes.writeUInt32LE(keyLength, at + 9);
    bytes.writeUInt32LE(valueLength, at + 13);
    const valueAt = at + HEADER_BYTES + keyLength;
    value?.bytes.copy(bytes, valueAt, 0, valueLength);
    piece.length = valueAt + valueLength;
    this.#bytes += piece.length - at;
    this.#places.set(key, (this.#pieces.length - 1) * PIECE_BYTES + at);
  }

  /** As if there had been no record of this key. */
  remove(key: string): void {
    this.#kill(key);
    this.#places.delete(key);
  }

  headAt(place: number): RecordHead {
    const { bytes, at } = this.#at(place);
    return { isKnown: (bytes[at]! & KNOWN) !== 0, storedDue: bytes.readDoubleLE(at + 1) };
  }

  /** Puts the reader over the value; false: the document was deleted. */
  readValue(place: number, reader: AvroReader): boolean {
    const { bytes, at } = this.#at(place);
    if ((bytes[at]! & DELETED) !== 0) return false;
    const start = at + HEADER_BYTES + bytes.readUInt32LE(at + 9);
    reader.over(bytes, start, start + bytes.readUInt32LE(at + 13));
    return true;
  }

  /** The living records from a place on, in the order in which they came. */
  *recordsFrom(place: number): Generator<StoredRecord> {
    const record = new StoredRecord();
    const first = Math.floor(place / PIECE_BYTES);
    for (let number = first; number < this.#pieces.length; number++) {
      const { bytes, length } = this.#pieces[number]!;
      for (let at = number === first ? place % PIECE_BYTES : 0; at < length; at = record.end) {
        if (record.moveTo(bytes, at)) yield record;
      }
    }
  }

  #kill(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    const { bytes, at } = this.#at(place);
    bytes[at]! &= ~ALIVE;
  }

  #at(place: number): { bytes: Buffer; at: number } {
    return { bytes: this.#pieces[Math.floor(place / PIECE_BYTES)]!.bytes, at: place % PIECE_BYTES };
  }

  #room(count: number): Piece {
    let piece = this.#pieces.at(-1);
    if (piece === undefined || piece.length + count > PIECE_BYTES) {
      piece = { bytes: Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, count)), length: 0 };
      this.#pieces.push(piece);
    }
    return piece;
  }
}

/** Returns how many bytes it took. */
function writeText(bytes: Buffer, text: string, start: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return bytes.write(text, start);
    bytes[start + i] = code;
  }
  return length;
}
