// Bytes as text and as Buffers, without copies in between.

/** The text of UTF-8 bytes, from `start` on; what is not UTF-8 becomes U+FFFD. */
export function utf8Text(bytes: Uint8Array, start = 0): string {
  return asBuffer(bytes).toString('utf8', start);
}

/** The UTF-8 bytes of a text; half a surrogate pair becomes U+FFFD. */
export function utf8Bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/** The same bytes as a Buffer, which has more ways to read them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** asBuffer() of what may be null. */
export function bufferOrNull<Bytes extends Uint8Array | null>(bytes: Bytes): Bytes;
export function bufferOrNull(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : asBuffer(bytes);
}
