// Documents in their encoded form, one after the other in a few large pieces of memory: what a thousand objects a document
// would cost the garbage collector, these do not.
//
// Owns: the records and their layout, which of them is the newest of its key. Does not own: what is in them
// (document-store.ts).
//
// Invariants:
//   T1. Records are never moved or written over: views of them stay what they were, also when the table is dropped.
//   T2. Of each key at most one record is alive, the newest.

import { assert } from '../../lib/assert.ts';
import { textHash } from '../../lib/text-hash.ts';
import type { AvroReader, AvroWriter } from '../../schemas/avro-bytes.ts';
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
/** Two to the power of something. */
const SLOTS_MIN = 256;
const NO_PLACE = -1;

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

  /** Puts the reader over the value; false: the document was deleted. */
  readValue(reader: AvroReader): boolean {
    if ((this.#bytes[this.#at]! & DELETED) !== 0) return false;
    reader.over(this.#bytes, this.#valueAt, this.#end);
    return true;
  }

  /** The float64 with which a value begins; Infinity: the document was deleted. */
  get due(): number {
    return (this.#bytes[this.#at]! & DELETED) === 0 ? this.#bytes.readDoubleBE(this.#valueAt) : Infinity;
  }
}

export class DocumentTable {
  readonly #pieces: Piece[] = [];
  /**
   * By key, a record stands at its hash or in the next slot that was free: where its newest record is (number of the piece
   * times PIECE_BYTES, and the place in it), NO_PLACE for a free slot. Never more than half full.
   */
  #places = new Float64Array(SLOTS_MIN).fill(NO_PLACE);
  #hashes = new Int32Array(SLOTS_MIN);
  #size = 0;
  #bytes = 0;
  readonly #asked = new StoredRecord();

  /** Bytes of all records, also of those that are not alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have, or had, a record. */
  get size(): number {
    return this.#size;
  }

  /** Where the next record will stand. */
  get end(): number {
    const last = this.#pieces.length - 1;
    return last < 0 ? 0 : last * PIECE_BYTES + Math.min(this.#pieces[last]!.length, PIECE_BYTES);
  }

  /** The place of this key's record; undefined: it has none. `hash`: textHash() of the key. */
  placeOf(key: string, hash = textHash(key)): number | undefined {
    const place = this.#places[this.#slotOf(key, hash)]!;
    return place === NO_PLACE || !this.#isAlive(place) ? undefined : place;
  }

  /** Adds a record with the value that stands in `value`; null: the document is deleted. */
  put(key: string, { isKnown, storedDue }: RecordHead, value: AvroWriter | null, hash = textHash(key)): void {
    const slot = this.#slotOf(key, hash);
    const before = this.#places[slot]!;
    if (before !== NO_PLACE) this.#kill(before);
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
    assert(piece.length <= bytes.length, 'a record lies within its piece (T1)');
    this.#bytes += piece.length - at;
    this.#places[slot] = (this.#pieces.length - 1) * PIECE_BYTES + at;
    this.#hashes[slot] = hash;
    if (before === NO_PLACE && 2 * ++this.#size > this.#places.length) this.#grow();
  }

  /** As if there had been no record of this key. */
  remove(key: string, hash = textHash(key)): void {
    const place = this.placeOf(key, hash);
    if (place !== undefined) this.#kill(place);
  }

  /** The record at a place, until the next one is asked for. */
  recordAt(place: number): StoredRecord {
    const { bytes, at } = this.#at(place);
    this.#asked.moveTo(bytes, at);
    return this.#asked;
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

  /** The slot of this key, or the free one where it belongs. */
  #slotOf(key: string, hash: number): number {
    const places = this.#places;
    const last = places.length - 1;
    for (let slot = hash & last; ; slot = (slot + 1) & last) {
      const place = places[slot]!;
      if (place === NO_PLACE || (this.#hashes[slot] === hash && this.#isOf(place, key))) return slot;
    }
  }

  #grow(): void {
    const [places, hashes] = [this.#places, this.#hashes];
    this.#places = new Float64Array(2 * places.length).fill(NO_PLACE);
    this.#hashes = new Int32Array(2 * places.length);
    const last = this.#places.length - 1;
    for (const [from, place] of places.entries()) {
      if (place === NO_PLACE) continue;
      const hash = hashes[from]!;
      let slot = hash & last;
      while (this.#places[slot] !== NO_PLACE) slot = (slot + 1) & last;
      this.#places[slot] = place;
      this.#hashes[slot] = hash;
    }
  }

  /** Whether the record there is of this key. */
  #isOf(place: number, key: string): boolean {
    const { bytes, at } = this.#at(place);
    const start = at + HEADER_BYTES + 1;
    const length = bytes.readUInt32LE(at + 9) - 1;
    for (let i = 0; i < key.length; i++) {
      const code = key.charCodeAt(i);
      if (code > 0x7f) return bytes.toString('utf8', start, start + length) === key.toWellFormed();
      if (code !== bytes[start + i]) return false;
    }
    return length === key.length;
  }

  #isAlive(place: number): boolean {
    const { bytes, at } = this.#at(place);
    return (bytes[at]! & ALIVE) !== 0;
  }

  #kill(place: number): void {
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
