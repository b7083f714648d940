// Where the fields of a JSON object stand in its bytes, without making values of them: most records concern no rule, and
// of those that do, most of what they say is never read.
//
// Invariants:
//   J1. What is accepted here, JSON.parse() accepts, and each field found is the one that JSON.parse() would give (the last
//       of a name). What is not accepted here may yet be JSON: in doubt the caller parses it.
//   J2. Nothing is read twice, and nothing nested deeper than DEPTH_MAX is accepted.

import { DEPTH_MAX } from '../../schemas/json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** Finds fields by the names it was made for. Made once, used for record after record. */
export class JsonFields {
  readonly #names: readonly Buffer[];
  /** Start and end of each field's value; start -1: it is not there. */
  readonly #spans: Int32Array;
  /** 1: the value is a string with escapes. */
  readonly #escapes: Uint8Array;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Whether the string read last has escapes. */
  #isEscaped = false;

  /** `names`: in ASCII. */
  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name, 'latin1'));
    this.#spans = new Int32Array(2 * names.length);
    this.#escapes = new Uint8Array(names.length);
  }

  /** Reads an object; false when it is none, or in doubt (J1). The fields found are those of the last one read. */
  read(bytes: Buffer): boolean {
    this.#bytes = bytes;
    this.#at = 0;
    this.#spans.fill(-1);
    this.#skipSpace();
    if (bytes[this.#at] !== 0x7b || !this.#object(0)) return false;
    this.#skipSpace();
    return this.#at === bytes.length;
  }

  /** What the field's value is by its first byte; undefined: it is not there. */
  kind(field: number): number | undefined {
    const start = this.#spans[2 * field]!;
    return start < 0 ? undefined : this.#bytes[start];
  }

  /** Where a value starts that is there, and where it ends. */
  start(field: number): number {
    return this.#spans[2 * field]!;
  }

  end(field: number): number {
    return this.#spans[2 * field + 1]!;
  }

  /** Whether a value that is a string stands there as it is meant, without escapes. */
  isPlain(field: number): boolean {
    return this.#escapes[field] === 0;
  }

  #object(depth: number): boolean {
    if (depth === DEPTH_MAX) return false;
    const bytes = this.#bytes;
    this.#at++;
    this.#skipSpace();
    if (bytes[this.#at] === 0x7d) {
      this.#at++;
      return true;
    }
    for (;;) {
      const nameAt = this.#at;
      if (bytes[nameAt] !== QUOTE || !this.#string()) return false;
      let field = -1;
      if (depth === 0) {
        // An escape may spell one of our names.
        if (this.#isEscaped) return false;
        field = this.#fieldNamed(nameAt + 1, this.#at - 1);
      }
      this.#skipSpace();
      if (bytes[this.#at++] !== COLON) return false;
      this.#skipSpace();
      const start = this.#at;
      if (!this.#value(depth)) return false;
      if (field >= 0) {
        this.#spans[2 * field] = start;
        this.#spans[2 * field + 1] = this.#at;
        this.#escapes[field] = this.#isEscaped ? 1 : 0;
      }
      this.#skipSpace();
      const next = bytes[this.#at++];
      if (next === 0x7d) return true;
      if (next !== COMMA) return false;
      this.#skipSpace();
    }
  }

  #array(depth: number): boolean {
    if (depth === DEPTH_MAX) return false;
    const bytes = this.#bytes;
    this.#at++;
    this.#skipSpace();
    if (bytes[this.#at] === 0x5d) {
      this.#at++;
      return true;
    }
    for (;;) {
      if (!this.#value(depth)) return false;
      this.#skipSpace();
      const next = bytes[this.#at++];
      if (next === 0x5d) return true;
      if (next !== COMMA) return false;
      this.#skipSpace();
    }
  }

  #value(depth: number): boolean {
    switch (this.#bytes[this.#at]) {
      case QUOTE:
        return this.#string();
      case 0x7b:
        return this.#object(depth + 1);
      case 0x5b:
        return this.#array(depth + 1);
      case 0x74:
        return this.#word('true');
      case 0x66:
        return this.#word('false');
      case 0x6e:
        return this.#word('null');
      default:
        return this.#number();
    }
  }

  #string(): boolean {
    const bytes = this.#bytes;
    this.#isEscaped = false;
    let at = this.#at + 1;
    for (;;) {
      // Beyond the end there is undefined, which is no plain byte.
      while (PLAIN[bytes[at]!] === 1) at++;
      const byte = bytes[at++];
      if (byte === QUOTE) {
        this.#at = at;
        return true;
      }
      if (byte !== BACKSLASH) return false;
      this.#isEscaped = true;
      const escaped = bytes[at++]!;
      if (escaped === 0x75) {
        for (const end = at + 4; at < end; at++) if (!isHex(bytes[at]!)) return false;
      } else if (!ESCAPED.has(escaped)) return false;
    }
  }

  #number(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] === MINUS) this.#at++;
    const first = bytes[this.#at]!;
    if (!isDigit(first)) return false;
    this.#at++;
    if (first !== ZERO) this.#digits();
    if (bytes[this.#at] === 0x2e) {
      this.#at++;
      if (!this.#digits()) return false;
    }
    if (bytes[this.#at] === 0x65 || bytes[this.#at] === 0x45) {
      this.#at++;
      const sign = bytes[this.#at];
      if (sign === MINUS || sign === 0x2b) this.#at++;
      return this.#digits();
    }
    return true;
  }

  /** False when there is none. */
  #digits(): boolean {
    const start = this.#at;
    while (isDigit(this.#bytes[this.#at]!)) this.#at++;
    return this.#at > start;
  }

  #word(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at++] !== word.charCodeAt(i)) return false;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #fieldNamed(start: number, end: number): number {
    const names = this.#names;
    for (let field = 0; field < names.length; field++) {
      if (isAt(names[field]!, this.#bytes, start, end)) return field;
    }
    return -1;
  }
}

/** 1 for bytes that a string goes on with: all but quotes, backslashes and control characters. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

const ESCAPED: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

function isAt(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}
