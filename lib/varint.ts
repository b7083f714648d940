// Whole numbers as zigzag varints, the way Avro and Kafka write them: seven bits a byte, the least first, the sign in the
// lowest of all.
//
// Owns: their bytes. Does not own: what is said of bytes that end too early (each reader has its own error).
//
// Invariants:
//   V1. Every safe integer is written and read exactly. What is read of a larger one is no safe integer either:
//       wideVarint has it.
//   V2. Whoever reads bytes that may be wrong asks varintEnd first: nothing is read past the end.
//
// Places go in and come out as plain numbers and not in an object, since a record has ten of these and an event hundreds.

/** More bytes than this no 64-bit number takes. */
export const VARINT_BYTES_MAX = 10;
/** What four bytes hold besides the sign. */
const TWO_27 = 2 ** 27;

/** Writes a safe integer at `at`, where there must be room for VARINT_BYTES_MAX; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  const sign = value < 0 ? 1 : 0;
  let rest = value < 0 ? -value - 1 : value;
  if (rest >= TWO_27) {
    const high = Math.floor(rest / TWO_27);
    const low = ((rest - high * TWO_27) << 1) | sign;
    bytes[at] = (low & 0x7f) | 0x80;
    bytes[at + 1] = ((low >>> 7) & 0x7f) | 0x80;
    bytes[at + 2] = ((low >>> 14) & 0x7f) | 0x80;
    bytes[at + 3] = (low >>> 21) | 0x80;
    at += 4;
    rest = high;
  } else {
    rest = (rest << 1) | sign;
  }
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

/** How many bytes writeVarint takes. */
export function varintSize(value: number): number {
  let rest = value < 0 ? -value - 1 : value;
  if (rest < 64) return 1;
  let size = 2;
  for (rest /= 8_192; rest >= 1; rest /= 128) size++;
  return size;
}

/** Where the varint at `at` ends; -1: not before `end`, or it is longer than any number. */
export function varintEnd(bytes: Uint8Array, at: number, end: number): number {
  // Most are one byte. What follows stands apart so that this much is compiled into its callers.
  return at < end && bytes[at]! < 0x80 ? at + 1 : longEnd(bytes, at, end);
}

function longEnd(bytes: Uint8Array, at: number, end: number): number {
  const last = Math.min(end, at + VARINT_BYTES_MAX);
  for (let i = at; i < last; i++) {
    if (bytes[i]! < 0x80) return i + 1;
  }
  return -1;
}

/** Where the varint at `at` ends, in bytes that are known to be whole. */
export function afterVarint(bytes: Uint8Array, at: number): number {
  while (bytes[at++]! >= 0x80);
  return at;
}

/** The number at `at` (V1, V2). */
export function readVarint(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  const second = bytes[at + 1]!;
  if (second < 0x80) return (((byte & 0x7f) >>> 1) | (second << 6)) ^ -(byte & 1);
  return readLong(bytes, at);
}

function readLong(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]!;
  let low = byte & 0x7f;
  for (let bits = 7; bits < 28; bits += 7) {
    byte = bytes[++at]!;
    low |= (byte & 0x7f) << bits;
    if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
  }
  let high = 0;
  for (let scale = 1; byte >= 0x80; scale *= 128) {
    byte = bytes[++at]!;
    high += (byte & 0x7f) * scale;
  }
  const size = high * TWO_27 + (low >>> 1);
  return low & 1 ? -size - 1 : size;
}

/** The same for every number of 64 bits. */
export function wideVarint(bytes: Uint8Array, at: number): bigint {
  let raw = 0n;
  for (let bits = 0n; ; bits += 7n) {
    const byte = bytes[at++]!;
    raw |= BigInt(byte & 0x7f) << bits;
    if (byte < 0x80) return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
  }
}
