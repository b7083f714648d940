// Unpacks Snappy's raw format, in which LevelDB packs the blocks of its tables. Source of the format: google/snappy,
// format_description.txt.

import { asBuffer } from '../../lib/bytes.ts';
import { ByteReader } from './byte-reader.ts';

/** More no index of a table has; a damaged length must not take all memory. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

/** Null: these are no bytes that Snappy packed. */
export function unpackSnappy(packed: Uint8Array): Buffer | null {
  const input = new ByteReader(asBuffer(packed));
  const length = input.varint();
  if (length === null || length > UNPACKED_BYTES_MAX) return null;
  const out = Buffer.alloc(length);
  let at = 0;
  while (!input.isAtEnd) {
    const tag = input.byte()!;
    if ((tag & 3) === 0) {
      const literal = input.bytes(literalLength(tag >>> 2, input));
      if (literal === null || at + literal.length > length) return null;
      literal.copy(out, at);
      at += literal.length;
      continue;
    }
    const isShort = (tag & 3) === 1;
    const count = isShort ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const distance = distanceOf(tag, input);
    if (distance === null || distance === 0 || distance > at || at + count > length) return null;
    // A copy may read what it has just written.
    for (let i = 0; i < count; i++, at++) out[at] = out[at - distance]!;
  }
  return at === length ? out : null;
}

/** Of a literal, from the upper six bits of its tag; -1: there is none. */
function literalLength(bits: number, input: ByteReader): number {
  return bits < 60 ? bits + 1 : (input.unsigned(bits - 59) ?? -2) + 1;
}

function distanceOf(tag: number, input: ByteReader): number | null {
  if ((tag & 3) !== 1) return input.unsigned((tag & 3) === 2 ? 2 : 4);
  const low = input.byte();
  return low === null ? null : ((tag >>> 5) << 8) | low;
}
