// Cuts a stream of bytes into lines without decoding or copying them.
//
// Owns: line numbers, line ends, byte order marks (files that were joined have several), blank lines, the bound on a
// line's length, holes of zeros that a crash or a full disk leaves in a file.
//
// Invariants:
//   L1. Memory is bounded by one chunk and one line of at most `lineBytesMax`: a longer one is skipped, not gathered.
//   L2. Every line that is not blank comes out once, in order, with its number in the file; blank ones too, when asked for:
//       only the reader of CSV knows whether they stand inside of quotes.

import type { RecordError } from '../../../lib/errors.ts';
import { malformed } from './refused.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const ZERO = 0x00;

export interface Line {
  /** From 1. */
  readonly line: number;
  /** A view of the chunk, without the line end; null: longer than allowed. */
  readonly bytes: Buffer | null;
  /** Which of several values in that line, from 0; left out: it is the only one. */
  readonly index?: number;
  /** Why there are no bytes; left out: it is longer than allowed. */
  readonly error?: RecordError;
}

/** Cuts a file into what is one event each, chunk by chunk. */
export interface Splitter {
  /** What ends in this chunk. */
  split(chunk: Buffer): Line[];
  /** What is left at the end of the file. */
  end(): Line[];
}

export interface LineSplitterOptions {
  /** `cr`: as Excel for Macintosh ends them. */
  readonly lineEnd?: 'lf' | 'cr';
  readonly keepBlank?: boolean;
}

export class LineSplitter implements Splitter {
  readonly #lineBytesMax: number;
  readonly #newline: number;
  readonly #keepBlank: boolean;
  /** Beginning of a line whose end is not there yet. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #tooLong = false;
  /** At the beginning of the line. */
  #zeros = 0;
  #line = 1;

  constructor(lineBytesMax: number, { lineEnd = 'lf', keepBlank = false }: LineSplitterOptions = {}) {
    this.#lineBytesMax = lineBytesMax;
    this.#newline = lineEnd === 'lf' ? NEWLINE : CARRIAGE_RETURN;
    this.#keepBlank = keepBlank;
  }

  /** The lines that end in this chunk. */
  split(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    const newline = this.#newline;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      this.#take(chunk.subarray(from, end), lines);
      from = end + 1;
    }
    if (from < chunk.length) this.#begin(chunk.subarray(from));
    return lines;
  }

  /** The last line, when the file does not end in a newline. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#tooLong || this.#begun.length > 0 || this.#zeros > 0) this.#take(Buffer.alloc(0), lines);
    return lines;
  }

  #begin(given: Buffer): void {
    const part = this.#begunBytes > 0 || this.#tooLong ? given : this.#afterZeros(given);
    if (part.length === 0) return;
    // One more than allowed, because a carriage return at the end does not count.
    if (this.#tooLong || this.#begunBytes + part.length > this.#lineBytesMax + 1) {
      this.#tooLong = true;
      this.#begun = [];
      this.#begunBytes = 0;
      return;
    }
    this.#begun.push(part);
    this.#begunBytes += part.length;
  }

  /** Counts the zeros at the beginning of a line, and leaves them out: what comes after them may be an event. */
  #afterZeros(part: Buffer): Buffer {
    if (part[0] !== ZERO) return part;
    const end = part.findIndex((byte) => byte !== ZERO);
    this.#zeros += end === -1 ? part.length : end;
    return part.subarray(end === -1 ? part.length : end);
  }

  #take(part: Buffer, lines: Line[]): void {
    const line = this.#line++;
    if (this.#begunBytes === 0 && !this.#tooLong) part = this.#afterZeros(part);
    if (this.#zeros > 0) {
      lines.push({ line, bytes: null, error: malformed(`${this.#zeros} zero bytes stand here: the file has a hole`) });
      this.#zeros = 0;
    }
    if (this.#begun.length > 0) {
      part = Buffer.concat([...this.#begun, part]);
      this.#begun = [];
      this.#begunBytes = 0;
    }
    let from = 0;
    let end = part.length;
    if (end > 0 && part[end - 1] === CARRIAGE_RETURN) end--;
    if (part[0] === 0xef && part[1] === 0xbb && part[2] === 0xbf) from = 3;
    if (this.#tooLong || end - from > this.#lineBytesMax) lines.push({ line, bytes: null });
    else if (this.#keepBlank || !isBlank(part, from, end)) {
      lines.push({ line, bytes: from === 0 && end === part.length ? part : part.subarray(from, end) });
    }
    this.#tooLong = false;
  }
}

function isBlank(part: Buffer, from: number, end: number): boolean {
  while (from < end && (part[from] === SPACE || part[from] === TAB)) from++;
  return from === end;
}
