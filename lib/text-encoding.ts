// Text as files have it: which encoding it is in, and what in it is no text.
//
// Owns: byte order marks, the five encodings, where bytes are not UTF-8. Does not own: reading files (text-file.ts), lines.
//
// Invariants:
//   E1. Nothing becomes U+FFFD: what is no text in its encoding stays bytes that are not UTF-8, for findNotUtf8() to find.
//
// `latin1` is read as windows-1252, as browsers do (https://encoding.spec.whatwg.org/#names-and-labels): the bytes in
// which they differ are no text in the first.

import { isUtf8 } from 'node:buffer';

export const TEXT_ENCODINGS = ['utf-8', 'latin1', 'windows-1252', 'utf-16le', 'utf-16be'] as const;
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

/** What 0x80 to 0x9f are in windows-1252; a space: nothing. */
const HIGH = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';

/**
 * The encoding of text that begins with these bytes: what its byte order mark says, or else `given`; else UTF-16 when the
 * zeros of its ASCII show it, or UTF-8.
 */
export function encodingOf(head: Uint8Array, given?: TextEncoding): TextEncoding {
  const [first = 0, second = 0, third = 0, fourth = 0] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (given !== undefined) return given;
  // Events, rows and YAML begin with ASCII, half of whose bytes are zeros in UTF-16 and none elsewhere.
  if (first > 0 && second === 0 && third > 0 && fourth === 0) return 'utf-16le';
  return first === 0 && second > 0 && third === 0 && fourth > 0 ? 'utf-16be' : 'utf-8';
}

/** Turns pieces of text in an encoding into UTF-8 (E1). */
export class Utf8Writer {
  readonly #encoding: TextEncoding;
  /** Begin of a character whose end is not there yet. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(encoding: TextEncoding) {
    this.#encoding = encoding;
  }

  write(piece: Buffer): Buffer {
    if (this.#encoding === 'utf-8') return piece;
    if (this.#encoding === 'latin1' || this.#encoding === 'windows-1252') return fromWindows1252(piece);
    const bytes = this.#begun.length === 0 ? piece : Buffer.concat([this.#begun, piece]);
    let end = bytes.length - (bytes.length % 2);
    // Half of a pair waits for the other one.
    if (end >= 2 && isFirstOfPair(bytes[this.#encoding === 'utf-16le' ? end - 1 : end - 2]!)) end -= 2;
    this.#begun = Buffer.from(bytes.subarray(end));
    return this.#fromUtf16(bytes.subarray(0, end));
  }

  /** What was left; half of a character stays what it is. */
  end(): Buffer {
    const rest = this.#begun;
    this.#begun = Buffer.alloc(0);
    if (rest.length === 0) return rest;
    return rest.length % 2 === 0 ? this.#fromUtf16(rest) : Buffer.from([0xff]);
  }

  #fromUtf16(bytes: Buffer): Buffer {
    const text = (this.#encoding === 'utf-16be' ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
    if (text.isWellFormed()) return Buffer.from(text, 'utf8');
    return Buffer.concat(
      text.split(/(\p{Surrogate})/u).map((part) => (part.isWellFormed() ? Buffer.from(part) : halfPair(part))),
    );
  }
}

function isFirstOfPair(highByte: number): boolean {
  return highByte >= 0xd8 && highByte <= 0xdb;
}

/** Half of a pair in the form of UTF-8, in which it is not allowed. */
function halfPair(part: string): Buffer {
  const code = part.charCodeAt(0);
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
}

function fromWindows1252(piece: Buffer): Buffer {
  const text = piece.toString('latin1').replace(/[\x80-\x9f]/g, (char) => HIGH[char.charCodeAt(0) - 0x80]!);
  const bytes = Buffer.from(text, 'utf8');
  const nothing = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
  if (!nothing.some((byte) => piece.includes(byte))) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (const [at, byte] of piece.entries()) {
    if (!nothing.includes(byte)) continue;
    parts.push(fromWindows1252(piece.subarray(from, at)), Buffer.from([byte]));
    from = at + 1;
  }
  return Buffer.concat([...parts, fromWindows1252(piece.subarray(from))]);
}

/** Where bytes are not UTF-8. */
export interface NotUtf8 {
  /** Position of the first such byte, from 0. */
  readonly at: number;
  /** That byte and up to two after it, in hexadecimal. */
  readonly hex: string;
}

/** Null: all of it is UTF-8. */
export function findNotUtf8(bytes: Uint8Array): NotUtf8 | null {
  if (isUtf8(bytes)) return null;
  let at = 0;
  for (let length = 1; length > 0; ) {
    length = characterBytes(bytes, at);
    at += length;
  }
  return {
    at,
    hex: Buffer.from(bytes.subarray(at, at + 3))
      .toString('hex')
      .replace(/..(?=.)/g, '$& '),
  };
}

/** Bytes of the UTF-8 character that begins at `at`; 0: none does. Ranges: Unicode 16, table 3-7. */
function characterBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === undefined) return 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  const least: Record<number, number> = { 224: 0xa0, 240: 0x90 };
  const most: Record<number, number> = { 237: 0x9f, 244: 0x8f };
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    if (byte < (i === 1 ? (least[first] ?? 0x80) : 0x80) || byte > (i === 1 ? (most[first] ?? 0xbf) : 0xbf)) return 0;
  }
  return length;
}
