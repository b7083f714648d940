// CRC-32C (Castagnoli), which LevelDB's files have: Node's own crc32 is of another polynomial.
//
// Eight bytes at a time by eight tables (Kounavis and Berry, "A Systematic Approach to Building High Performance,
// Software-based, CRC Generators", 2005).

/** The polynomial, its bits in reverse (RFC 3720, 12.1). */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

const TABLES = tables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** Of `bytes` from `from` to `to` (exclusive): an unsigned number of 32 bits. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1;
  let at = from;
  for (const last = to - SLICES; at <= last; at += SLICES) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      T7[low & 0xff]! ^
      T6[(low >>> 8) & 0xff]! ^
      T5[(low >>> 16) & 0xff]! ^
      T4[low >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < to; at++) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The n-th gives what a byte does to a checksum that n bytes follow. */
function tables(): readonly Int32Array[] {
  const made = Array.from({ length: SLICES }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    made[0]![byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made[slice - 1]![byte]!;
      made[slice]![byte] = made[0]![before & 0xff]! ^ (before >>> 8);
    }
  }
  return made;
}
