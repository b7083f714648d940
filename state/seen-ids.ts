// The message ids an entity has sent lately, packed: 64-bit hash and event time, 16 bytes each, in order of arrival.
//
// Two different ids of one entity share a hash with a chance of about 1000 / 2^64 an event, at the largest window.

const ENTRY_BYTES = 16;
/** Numbers an id takes in memory: two halves of its hash and its time. A list of doubles is cheaper to make than a buffer. */
const ENTRY_NUMBERS = 3;

export class SeenIds {
  #entries: number[] = [];
  /** Where the oldest id that is not forgotten begins. */
  #start = 0;

  static decode(bytes: Uint8Array): SeenIds {
    const seen = new SeenIds();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      seen.#entries.push(view.getInt32(at, true), view.getInt32(at + 4, true), view.getFloat64(at + 8, true));
    }
    return seen;
  }

  encode(): Buffer {
    const bytes = Buffer.allocUnsafe(this.size * ENTRY_BYTES);
    for (let from = this.#start, to = 0; to < bytes.length; from += ENTRY_NUMBERS, to += ENTRY_BYTES) {
      bytes.writeInt32LE(this.#entries[from]!, to);
      bytes.writeInt32LE(this.#entries[from + 1]!, to + 4);
      bytes.writeDoubleLE(this.#entries[from + 2]!, to + 8);
    }
    return bytes;
  }

  get size(): number {
    return (this.#entries.length - this.#start) / ENTRY_NUMBERS;
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
    const entries = this.#entries;
    for (let at = this.#start; at < entries.length; at += ENTRY_NUMBERS) {
      if (entries[at] === h1 && entries[at + 1] === h2 && entries[at + 2]! >= keepFrom) return true;
    }
    while (this.#start < entries.length && entries[this.#start + 2]! < keepFrom) this.#start += ENTRY_NUMBERS;
    if (this.size >= max) this.#start = entries.length - (max - 1) * ENTRY_NUMBERS;
    // Most entities have one or two: exact room for the first, and for what is left when older ones are forgotten.
    if (this.size === 0) this.#restart([h1, h2, time]);
    else if (2 * this.#start > entries.length) this.#restart([...entries.slice(this.#start), h1, h2, time]);
    else entries.push(h1, h2, time);
    return false;
  }

  #restart(entries: number[]): void {
    this.#entries = entries;
    this.#start = 0;
  }
}
