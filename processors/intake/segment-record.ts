// The common event of a Segment source, a `track` call of a user, from its bytes without parsing what no rule may read.
//
// Invariants:
//   G1. What is read here is what decode() and normalise() make of the same record; whatever is unusual or wrong is left
//       to them, and to the errors that they have for it.
//   G2. Of an event that nobody asks for only the time is read, but all that may be wrong with it is looked at the same.

import { isUtf8 } from 'node:buffer';
import { parseInstant } from '../../lib/instant.ts';
import { Event, JsonText } from '../../schemas/event.ts';
import { isInternal } from '../../schemas/internal-events.ts';
import { ID_LENGTH_MAX, TIME_MAX } from './fields.ts';
import { JsonFields } from './json-fields.ts';
import { NOBODY, type Normalised, type Origin } from './normalise.ts';
import type { SourceFormat } from './source-format.ts';

const FIELDS = ['type', 'event', 'userId', 'anonymousId', 'messageId', 'timestamp', 'properties', 'traits', 'context'];
const [TYPE, EVENT, USER, ANONYMOUS, MESSAGE, TIMESTAMP, PROPERTIES, TRAITS, CONTEXT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const QUOTE = 0x22;
const BRACE = 0x7b;
const NULL = 0x6e;

/** Whether `source` brings records that can be read here. */
export function isSegmentOfUsers({ format, entity, others }: SourceFormat): boolean {
  return format === 'segment' && entity === 'user' && (others ?? NOBODY).length === 0;
}

export class SegmentReader {
  readonly #fields = new JsonFields(FIELDS);
  readonly #names = new NameTable();
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * Null: decode() and normalise() are to read it. The event's parts are views of `bytes` until it is kept. A number: the
   * time of an event, ms, for whose name `isAsked` is false (G2).
   */
  read(bytes: Buffer, origin: Origin, isAsked: (name: string) => boolean = always): Normalised | number | null {
    const fields = this.#fields;
    if (!isUtf8(bytes) || !fields.read(bytes)) return null;
    this.#bytes = bytes;
    const type = this.#isNull(TYPE) ? 'track' : this.#name(TYPE);
    const event = this.#name(EVENT);
    if (type !== 'track' || event === undefined || isInternal(event)) return null;
    if (!this.#isId(USER) || !this.#isId(ANONYMOUS) || !this.#isId(MESSAGE)) return null;
    if (this.#isNull(USER) && this.#isNull(ANONYMOUS)) return null;
    const time = this.#isNull(TIMESTAMP) ? (origin.recordTime ?? -1) : this.#time();
    if (!(time >= 0)) return null;
    if (!this.#isPart(PROPERTIES) || !this.#isPart(TRAITS) || !this.#isPart(CONTEXT)) return null;
    if (!isAsked(event)) return time;
    const userId = this.#id(USER);
    const anonymousId = this.#id(ANONYMOUS);
    const messageId = this.#id(MESSAGE) ?? origin.fallbackId();
    const parts = { properties: this.#part(PROPERTIES), traits: this.#part(TRAITS), context: this.#part(CONTEXT) };
    return {
      entityId: (userId ?? anonymousId)!,
      others: NOBODY,
      event: new Event({ messageId, type, event, userId, anonymousId, time, ...parts }),
    };
  }

  #isNull(field: number): boolean {
    const kind = this.#fields.kind(field);
    return kind === undefined || kind === NULL;
  }

  #isId(field: number): boolean {
    return this.#isNull(field) || this.#isText(field);
  }

  /** Null: it is not there. */
  #id(field: number): string | null {
    if (this.#isNull(field)) return null;
    return this.#bytes.toString('utf8', this.#fields.start(field) + 1, this.#fields.end(field) - 1);
  }

  /** The same for ids that come again and again. */
  #name(field: number): string | undefined {
    if (!this.#isText(field)) return undefined;
    return this.#names.text(this.#bytes, this.#fields.start(field) + 1, this.#fields.end(field) - 1);
  }

  /** A string that needs no more looking at: not empty, short, without escapes. */
  #isText(field: number): boolean {
    const fields = this.#fields;
    if (fields.kind(field) !== QUOTE || !fields.isPlain(field)) return false;
    const length = fields.end(field) - fields.start(field) - 2;
    return length > 0 && length <= ID_LENGTH_MAX;
  }

  /** NaN or less than 0: no such time. */
  #time(): number {
    const fields = this.#fields;
    const [start, end] = [fields.start(TIMESTAMP), fields.end(TIMESTAMP)];
    if (fields.kind(TIMESTAMP) === QUOTE) {
      const text = this.#bytes.toString('latin1', start + 1, end - 1);
      return checkedTime(parseInstant(text));
    }
    return checkedTime(Number(this.#bytes.toString('latin1', start, end)));
  }

  #isPart(field: number): boolean {
    return this.#isNull(field) || this.#fields.kind(field) === BRACE;
  }

  /** Undefined: it is not there. */
  #part(field: number): JsonText | undefined {
    if (this.#isNull(field)) return undefined;
    return new JsonText(this.#bytes, this.#fields.start(field), this.#fields.end(field));
  }
}

function always(): boolean {
  return true;
}

function checkedTime(time: number): number {
  return Number.isSafeInteger(time) && time <= TIME_MAX ? time : Number.NaN;
}

/** Two to the power of something. */
const SLOTS = 512;

/** Texts that come again and again, each made once: found by their bytes. What has the place of another takes it. */
class NameTable {
  readonly #bytes: (Buffer | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #texts: string[] = new Array(SLOTS).fill('');

  text(bytes: Buffer, start: number, end: number): string {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1);
    const known = this.#bytes[slot];
    if (known !== undefined && known.length === end - start && isAt(known, bytes, start)) return this.#texts[slot]!;
    const text = bytes.toString('utf8', start, end);
    this.#bytes[slot] = Buffer.from(bytes.subarray(start, end));
    this.#texts[slot] = text;
    return text;
  }
}

function isAt(known: Buffer, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < known.length; i++) if (bytes[start + i] !== known[i]) return false;
  return true;
}
