// Randomness behind an interface. The only shipped caller of Math.random, randomUUID and randomBytes.

import { randomBytes, randomUUID } from 'node:crypto';

export interface Rng {
  /** In [0, 1). */
  next(): number;
}

export const systemRng: Rng = { next: () => Math.random() };

/** An id that nothing else has (UUID version 4): for what arrives without one, never for what we decide. */
export function newId(): string {
  return randomUUID();
}

const SECRET_BYTES = 32;

/** A secret that nobody guesses: 256 random bits, as 43 characters that a URL or a header may have (base64url). */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** The same numbers for the same seed, on every machine (mulberry32, by Tommy Ettinger, public domain). */
export function seededRng(seed: number): Rng {
  let state = seed | 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
    },
  };
}
