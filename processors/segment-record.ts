// The common event of a Segment source, a `track` call of a user, from its bytes without parsing what no rule may read.
//
// Invariants:
//   G1. What is read here is what decode() and normalise() make of the same record; whatever is unusual or wrong is left
//       to them, and to the errors that they have for it.

import { parseInstant } from '../lib/iso-time.ts';
import { Event, JsonText } from '../schemas/event.ts';
import { JsonFields } from './json-fields.ts';
import { ID_LENGTH_MAX, NOBODY, type Normalised, type Origin, type SourceFormat, TIME_MAX } from './normalise.ts';

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

  /** Null: decode() and normalise() are to read it. The event's parts are views of `bytes` until it is kept. */
  read(bytes: Buffer, origin: Origin): Normalised | null {
    const fields = this.#fields;
    if (!fields.read(bytes)) return null;
    this.#bytes = bytes;
    const type = this.#isNull(TYPE) ? 'track' : this.#name(TYPE);
    const event = this.#name(EVENT);
    const userId = this.#isNull(USER) ? null : this.#id(USER);
    const anonymousId = this.#isNull(ANONYMOUS) ? null : this.#id(ANONYMOUS);
    if (type !== 'track' || event === undefined) return null;
    if (userId === undefined || anonymousId === undefined) return null;
    const entityId = userId ?? anonymousId;
    const messageId = this.#isNull(MESSAGE) ? origin.fallbackId() : this.#id(MESSAGE);
    const time = this.#isNull(TIMESTAMP) ? (origin.recordTime ?? -1) : this.#time();
    if (messageId === undefined || entityId === null || !(time >= 0)) return null;
    const [properties, traits, context] = [this.#part(PROPERTIES), this.#part(TRAITS), this.#part(CONTEXT)];
    if (properties === null || traits === null || context === null) return null;
    const parts = { properties, traits, context };
    return {
      entityId,
      others: NOBODY,
      event: new Event({ messageId, type, event, userId, anonymousId, time, ...parts }),
    };
  }

  #isNull(field: number): boolean {
    const kind = this.#fields.kind(field);
    return kind === undefined || kind === NULL;
  }

  /** Undefined: not such an id. */
  #id(field: number): string | undefined {
    if (!this.#isText(field)) return undefined;
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

  /** Undefined: it is not there; null: it is no object. */
  #part(field: number): JsonText | undefined | null {
    if (this.#isNull(field)) return undefined;
    const fields = this.#fields;
    return fields.kind(field) === BRACE ? new JsonText(this.#bytes, fields.start(field), fields.end(field)) : null;
  }
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
