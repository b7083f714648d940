// Cuts a stream of bytes into JSON values where they are not one a line: a list of events, values one after the other, or
// spread over several lines.
//
// Owns: where a value begins and ends, its line. Does not own: whether it is JSON (processors/intake).
//
// Invariants:
//   J1. Memory is bounded by one chunk and one value of at most `valueBytesMax`.
//   J2. Every value comes out once, in order; what stands between values and is none is an error at its line.
//
// Commas between values, and a list around them, count for nothing: files end up with all of these when they are joined
// or cut out of a larger one. A record separator (RFC 7464) is white space.

import type { Line, Splitter } from './line-splitter.ts';
import { malformed } from './refused.ts';

const ZERO = 0x00;
const [TAB, NEWLINE, RETURN, SEPARATOR, SPACE] = [0x09, 0x0a, 0x0d, 0x1e, 0x20];
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];
/** More values in one line than this have no place of their own (input.ts keeps line and place in one number). */
export const VALUES_OF_LINE_MAX = 2 ** 21;

export class JsonValues implements Splitter {
  readonly #valueBytesMax: number;
  #line = 1;
  /** Values that began in the line so far. */
  #inLine = 0;
  /** Inside of the list of events. */
  #isInList = false;
  #listLine = 1;
  /** Of the value at hand: brackets open; -1: between values. */
  #depth = -1;
  #isScalar = false;
  #inString = false;
  #isInHole = false;
  #escaped = false;
  #begunLine = 1;
  #begunIndex = 0;
  #begun: Buffer[] = [];
  #begunBytes = 0;

  constructor(valueBytesMax: number) {
    this.#valueBytesMax = valueBytesMax;
  }

  split(chunk: Buffer): Line[] {
    const found: Line[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#depth === -1) {
        if (byte === ZERO) {
          this.#hole(found);
          continue;
        }
        this.#isInHole = false;
        if (this.#isBetween(byte)) continue;
        from = at;
        this.#start();
      } else if (this.#isScalar && isEndOfScalar(byte)) {
        this.#finish(chunk.subarray(from, at), found);
        at--;
        continue;
      }
      if (byte === NEWLINE) this.#nextLine();
      if (this.#step(byte)) this.#finish(chunk.subarray(from, at + 1), found);
      else if (this.#depth !== -1 && this.#inString && byte === NEWLINE) {
        // A line break inside of a string is none of JSON's: the string lacks its end, and with it the value.
        this.#abandon('a text in it does not end', found);
      }
    }
    if (this.#depth !== -1) this.#hold(chunk.subarray(from));
    return found;
  }

  end(): Line[] {
    const found: Line[] = [];
    if (this.#depth !== -1 && this.#isScalar) this.#finish(Buffer.alloc(0), found);
    else if (this.#depth !== -1) this.#abandon('it does not end', found);
    return found;
  }

  /** After the end: the line of a list of events that lacks its end; null: there is none. */
  get openList(): number | null {
    return this.#isInList ? this.#listLine : null;
  }

  /** Zeros between values are what a crash or a full disk left. */
  #hole(found: Line[]): void {
    if (this.#isInHole) return;
    this.#isInHole = true;
    found.push({ line: this.#line, bytes: null, error: malformed('zero bytes stand here: the file has a hole') });
  }

  /** Whether the byte belongs to no value; begins and ends the list. */
  #isBetween(byte: number): boolean {
    if (byte === NEWLINE) {
      this.#nextLine();
      return true;
    }
    if (byte === SPACE || byte === TAB || byte === RETURN || byte === SEPARATOR || byte === COMMA) return true;
    // The byte order mark.
    if (byte === 0xef || byte === 0xbb || byte === 0xbf) return true;
    if (byte === BRACKET && !this.#isInList) {
      this.#isInList = true;
      this.#listLine = this.#line;
      return true;
    }
    if (byte !== BRACKET_END || !this.#isInList) return false;
    this.#isInList = false;
    return true;
  }

  #nextLine(): void {
    this.#line++;
    this.#inLine = 0;
  }

  #start(): void {
    this.#depth = 0;
    this.#begunLine = this.#line;
    this.#begunIndex = this.#inLine++;
  }

  /** Whether the value ends with this byte. */
  #step(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return this.#depth === 0;
      }
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === BRACE || byte === BRACKET) this.#depth++;
    else if (byte === BRACE_END || byte === BRACKET_END) return --this.#depth <= 0;
    else if (this.#depth === 0) this.#isScalar = true;
    return false;
  }

  #finish(part: Buffer, found: Line[]): void {
    this.#hold(part);
    const place = { line: this.#begunLine, index: this.#begunIndex };
    const bytes = this.#begunBytes > this.#valueBytesMax ? null : Buffer.concat(this.#begun);
    if (place.index >= VALUES_OF_LINE_MAX) {
      const error = malformed(`the line holds more than ${VALUES_OF_LINE_MAX} values: write one event a line`);
      found.push({ line: place.line, bytes: null, error });
    } else found.push({ ...place, bytes });
    this.#forget();
  }

  #abandon(why: string, found: Line[]): void {
    const error = malformed(`the value that begins here is not JSON: ${why}`);
    found.push({ line: this.#begunLine, bytes: null, error });
    this.#forget();
  }

  #forget(): void {
    this.#depth = -1;
    this.#isScalar = false;
    this.#inString = false;
    this.#escaped = false;
    this.#begun = [];
    this.#begunBytes = 0;
  }

  #hold(part: Buffer): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes <= this.#valueBytesMax) this.#begun.push(Buffer.from(part));
    else this.#begun = [];
  }
}

function isEndOfScalar(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === BRACKET_END || byte === BRACE || byte === BRACKET;
}

/**
 * Whether the file is to be cut by values: it begins with a list, or its first object is followed by something in its line,
 * or goes on in the next as no line of JSON Lines would.
 */
export function isCutByValues(head: Buffer): boolean {
  const text = head.toString('utf8').replace(/^[\uFEFF\s]+/, '');
  if (text.startsWith('[') || text.startsWith('\x1e')) return true;
  if (!text.startsWith('{')) return false;
  const values = new JsonValues(head.length);
  const lineEnd = text.indexOf('\n');
  const first = Buffer.from(lineEnd === -1 ? text : text.slice(0, lineEnd));
  const found = values.split(first);
  if (first.includes(ZERO)) return false;
  if (found.length > 1) return true;
  if (found.length === 1) return /^[,{[]/.test(first.subarray(found[0]!.bytes!.length).toString('utf8').trimStart());
  return lineEnd !== -1 && /^\s*["}]/.test(text.slice(lineEnd + 1));
}
