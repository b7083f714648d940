// The message ids an entity has sent lately, packed: 64-bit hash and event time, 16 bytes each, in order of arrival.
//
// Two different ids of one entity share a hash with a chance of about 1000 / 2^64 an event, at the largest window.

import type { AvroReader, AvroWriter } from '../../schemas/avro-bytes.ts';

const ENTRY_BYTES = 16;
const NO_BYTES = Buffer.alloc(0);
/** Numbers an id takes in memory: two halves of its hash and its time. A list of doubles is cheaper to make than a buffer. */
const ENTRY_NUMBERS = 3;

export class SeenIds {
  /** Ids as they were read, which stay in their bytes: most are never looked at again. */
  readonly #bytes: Buffer;
  /** Where the oldest id that is not forgotten begins there. */
  #from: number;
  readonly #to: number;
  /** Ids that came since. */
  #added: number[] = [];
  /** Where the oldest one that is not forgotten begins. */
  #start = 0;

  /** With those that stand in `bytes` between `from` and `to`. */
  constructor(bytes: Buffer = NO_BYTES, from = 0, to = 0) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** Keeps the reader's bytes. */
  static decode(input: AvroReader): SeenIds {
    const start = input.blobStart();
    return new SeenIds(input.bytes, start, input.at);
  }

  encode(out: AvroWriter): void {
    const added = this.#added;
    out.long(this.size * ENTRY_BYTES);
    out.raw(this.#bytes, this.#from, this.#to);
    out.reserve(added.length * ENTRY_BYTES);
    const { bytes } = out;
    let at = out.length;
    for (let from = this.#start; from < added.length; from += ENTRY_NUMBERS, at += ENTRY_BYTES) {
      bytes.writeInt32LE(added[from]!, at);
      bytes.writeInt32LE(added[from + 1]!, at + 4);
      bytes.writeDoubleLE(added[from + 2]!, at + 8);
    }
    out.length = at;
  }

  get size(): number {
    return (this.#to - this.#from) / ENTRY_BYTES + (this.#added.length - this.#start) / ENTRY_NUMBERS;
  }

  /**
   * True when the id was added before and not forgotten since; otherwise adds it with its event time.
   * Forgets first what is older than `keepFrom` (from the oldest arrival on), and then all but the newest `max`.
   */
  check(id: string, time: number, keepFrom: number, max: number): boolean {
    let h1 = 0xdeadbeef;
    let h2 = 0x41c6ce57;
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i);
      h1 = Math.imul(h1 ^ code, 0x9e3779b1);
      h2 = Math.imul(h2 ^ code, 0x5f356495);
    }
    h1 = Math.imul(h1 ^ (h1 >>> 16), 0x85ebca6b) ^ Math.imul(h2 ^ (h2 >>> 13), 0xc2b2ae35);
    h2 = Math.imul(h2 ^ (h2 >>> 16), 0x85ebca6b) ^ Math.imul(h1 ^ (h1 >>> 13), 0xc2b2ae35);
    h1 |= 0;
    h2 |= 0;
    if (this.#has(h1, h2, keepFrom)) return true;
    while (this.size > 0 && (this.#oldest() < keepFrom || this.size >= max)) this.#forgetOldest();
    const added = this.#added;
    // Most entities have one or two: exact room for the first, and for what is left when older ones are forgotten.
    if (added.length === this.#start) this.#restart([h1, h2, time]);
    else if (2 * this.#start > added.length) this.#restart([...added.slice(this.#start), h1, h2, time]);
    else added.push(h1, h2, time);
    return false;
  }

  #has(h1: number, h2: number, keepFrom: number): boolean {
    const bytes = this.#bytes;
    for (let at = this.#from; at < this.#to; at += ENTRY_BYTES) {
      if (bytes.readInt32LE(at) !== h1 || bytes.readInt32LE(at + 4) !== h2) continue;
      if (bytes.readDoubleLE(at + 8) >= keepFrom) return true;
    }
    const added = this.#added;
    for (let at = this.#start; at < added.length; at += ENTRY_NUMBERS) {
      if (added[at] === h1 && added[at + 1] === h2 && added[at + 2]! >= keepFrom) return true;
    }
    return false;
  }

  #oldest(): number {
    return this.#from < this.#to ? this.#bytes.readDoubleLE(this.#from + 8) : this.#added[this.#start + 2]!;
  }

  #forgetOldest(): void {
    if (this.#from < this.#to) this.#from += ENTRY_BYTES;
    else this.#start += ENTRY_NUMBERS;
  }

  #restart(added: number[]): void {
    this.#added = added;
    this.#start = 0;
  }
}
