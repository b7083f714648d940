// Reads numbers and bytes that may end too early, which then is null.

const TWO_7 = 128;
/** More bytes than this no varint of 64 bits takes. */
const VARINT_BYTES_MAX = 10;

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number | null {
    return this.isAtEnd ? null : this.#bytes[this.#at++]!;
  }

  /** A varint without sign, the lowest seven bits first. */
  varint(): number | null {
    let value = 0;
    for (let i = 0, scale = 1; i < VARINT_BYTES_MAX; i++, scale *= TWO_7) {
      const byte = this.byte();
      if (byte === null) return null;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return null;
  }

  /** A number of so many bytes, the lowest first. */
  unsigned(count: number): number | null {
    const bytes = this.bytes(count);
    return bytes === null ? null : bytes.readUIntLE(0, count);
  }

  /** So many bytes, where they are. */
  bytes(count: number): Buffer | null {
    if (count < 0 || this.#at + count > this.#bytes.length) return null;
    return this.#bytes.subarray(this.#at, (this.#at += count));
  }

  /** Bytes behind their length. */
  prefixed(): Buffer | null {
    const length = this.varint();
    return length === null ? null : this.bytes(length);
  }
}
