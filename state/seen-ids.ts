// The message ids an entity has sent lately, packed: 64-bit hash and event time, 16 bytes each, in order of arrival.
//
// Two different ids of one entity share a hash with a chance of about 1000 / 2^64 an event, at the largest window.

const ENTRY_BYTES = 16;
const EMPTY = new DataView(new ArrayBuffer(0));

export class SeenIds {
  #view: DataView = EMPTY;
  #start = 0;
  #end = 0;

  static decode(bytes: Uint8Array): SeenIds {
    const seen = new SeenIds();
    const copy = Uint8Array.from(bytes);
    seen.#view = new DataView(copy.buffer);
    seen.#end = copy.length;
    return seen;
  }

  encode(): Buffer {
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + this.#start, this.#end - this.#start);
  }

  get size(): number {
    return (this.#end - this.#start) / ENTRY_BYTES;
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
    const view = this.#view;
    for (let at = this.#start; at < this.#end; at += ENTRY_BYTES) {
      if (view.getInt32(at, true) !== h1 || view.getInt32(at + 4, true) !== h2) continue;
      if (view.getFloat64(at + 8, true) >= keepFrom) return true;
    }
    while (this.#start < this.#end && view.getFloat64(this.#start + 8, true) < keepFrom) this.#start += ENTRY_BYTES;
    if (this.size >= max) this.#start = this.#end - (max - 1) * ENTRY_BYTES;
    this.#append(h1, h2, time);
    return false;
  }

  #append(h1: number, h2: number, time: number): void {
    if (this.#end + ENTRY_BYTES > this.#view.byteLength) {
      const used = this.encode();
      const grown = new Uint8Array(Math.max(4 * ENTRY_BYTES, 2 * used.length));
      grown.set(used);
      this.#view = new DataView(grown.buffer);
      this.#start = 0;
      this.#end = used.length;
    }
    this.#view.setInt32(this.#end, h1, true);
    this.#view.setInt32(this.#end + 4, h2, true);
    this.#view.setFloat64(this.#end + 8, time, true);
    this.#end += ENTRY_BYTES;
  }
}
