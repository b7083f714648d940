// The latest offset of each key, in a bounded table of key hashes.
//
// Owns: memory of compaction. 24 bytes a slot; keys themselves are not kept.
//
// Invariants:
//   K1. Two keys are never taken for one: 128 bits of SHA-256 stand for a key, and nobody can make two that agree.
//   K2. It holds at most `limit` keys; a full table says so and the caller goes on another time.

import { hash } from 'node:crypto';
import { viewOf } from './batch.ts';

/** Few keys are the rule; it doubles up to the limit. */
const INITIAL_SLOTS = 4096;

/** Slots in use before the table doubles: beyond this, probing gets long. */
const LOAD_MAX = 0.7;

export class OffsetMap {
  readonly #limit: number;
  #slots = INITIAL_SLOTS;
  #hashes = new Uint32Array(INITIAL_SLOTS * 4);
  /** Offset + 1; 0: the slot is free. */
  #offsets = new Float64Array(INITIAL_SLOTS);
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  /** Notes the key's latest offset; the map must not be full unless the key is known. */
  set(key: Uint8Array, offset: number): void {
    if (this.#size >= this.#slots * LOAD_MAX) this.#grow();
    const digest = digestOf(key);
    const slot = this.#find(digest);
    if (this.#offsets[slot] === 0) {
      this.#size++;
      this.#hashes.set(digest, slot * 4);
    }
    this.#offsets[slot] = offset + 1;
  }

  get(key: Uint8Array): number | undefined {
    const offset = this.#offsets[this.#find(digestOf(key))]!;
    return offset === 0 ? undefined : offset - 1;
  }

  #find(digest: Uint32Array): number {
    const hashes = this.#hashes;
    let slot = digest[0]! % this.#slots;
    while (this.#offsets[slot] !== 0) {
      const at = slot * 4;
      if (
        hashes[at] === digest[0] &&
        hashes[at + 1] === digest[1] &&
        hashes[at + 2] === digest[2] &&
        hashes[at + 3] === digest[3]
      ) {
        return slot;
      }
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
    return slot;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const offsets = this.#offsets;
    this.#slots *= 2;
    this.#hashes = new Uint32Array(this.#slots * 4);
    this.#offsets = new Float64Array(this.#slots);
    for (let old = 0; old < offsets.length; old++) {
      if (offsets[old] === 0) continue;
      const digest = hashes.subarray(old * 4, old * 4 + 4);
      const slot = this.#find(digest);
      this.#hashes.set(digest, slot * 4);
      this.#offsets[slot] = offsets[old]!;
    }
  }
}

function digestOf(key: Uint8Array): Uint32Array {
  const view = viewOf(hash('sha256', key, 'buffer'));
  return Uint32Array.of(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
}
