// An event: what someone or something just did. Shape: Segment's spec, normalised by processors/intake/intake.ts.
//
// Owns: the in-memory event. Does not own: its bytes (codec.ts), its validation (processors/intake/intake.ts).
//
// Invariants:
//   E1. properties, traits and context are parsed from their bytes only when something reads them.

import { utf8Text } from '../lib/bytes.ts';
import type { AvroReader, AvroWriter } from './avro-bytes.ts';
import type { Json, JsonObject } from './json.ts';
import { packTraceparent, unpackTraceparent } from './trace.ts';

/** The binary envelope's fields, as in events/event.avsc; JSON parts are UTF-8 JSON objects, null when empty. */
export interface EventRecord {
  readonly messageId: string;
  readonly type: string;
  readonly event: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly timestamp: number;
  readonly properties: Uint8Array | null;
  readonly traits: Uint8Array | null;
  readonly context: Uint8Array | null;
  /** Only in state: on topics a header carries it. */
  readonly traceparent?: Uint8Array | null;
}

export interface EventFields {
  readonly messageId: string;
  /** Segment's call: track, identify, page, screen, group or alias. */
  readonly type: string;
  /** Name of what happened; for calls other than track, the type. */
  readonly event: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  /** Event time, ms since 1970. */
  readonly time: number;
  readonly properties?: JsonObject | JsonText | undefined;
  readonly traits?: JsonObject | JsonText | undefined;
  readonly context?: JsonObject | JsonText | undefined;
}

const EMPTY: JsonObject = Object.freeze({});

/** The text of a JSON object that stands in bytes which are somebody else's, such as all that was fetched at once. */
export class JsonText {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  toString(): string {
    return this.#bytes.toString('utf8', this.#start, this.#end);
  }

  writeTo(out: AvroWriter): void {
    out.blob(this.#bytes, this.#start, this.#end);
  }
}

/** A JSON part of an event: as it is read, or as the text or UTF-8 bytes to be parsed when something reads it. */
type Part = JsonObject | string | Uint8Array | JsonText;

/** Rules see these names: messageId, type, event, userId, anonymousId, timestamp, properties, traits, context. */
export class Event {
  readonly messageId: string;
  readonly type: string;
  readonly event: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  /** Event time, ms since 1970. */
  readonly time: number;
  /** Of the record that brought it; set once, by whoever read that record. Rules do not see it. */
  traceparent: string | null = null;
  #properties: Part;
  #traits: Part;
  #context: Part;

  constructor(fields: EventFields) {
    this.messageId = fields.messageId;
    this.type = fields.type;
    this.event = fields.event;
    this.userId = fields.userId;
    this.anonymousId = fields.anonymousId;
    this.time = fields.time;
    this.#properties = fields.properties ?? EMPTY;
    this.#traits = fields.traits ?? EMPTY;
    this.#context = fields.context ?? EMPTY;
  }

  /** From its envelope; the JSON parts stay bytes until read (E1). */
  static fromRecord(record: EventRecord): Event {
    const event = new Event({
      messageId: record.messageId,
      type: record.type,
      event: record.event,
      userId: record.userId,
      anonymousId: record.anonymousId,
      time: record.timestamp,
    });
    event.#properties = record.properties ?? EMPTY;
    event.#traits = record.traits ?? EMPTY;
    event.#context = record.context ?? EMPTY;
    if (record.traceparent != null) event.traceparent = unpackTraceparent(record.traceparent);
    return event;
  }

  /** Reads what encode() wrote; the JSON parts stay where they are until read (E1). */
  static decode(input: AvroReader): Event {
    const [messageId, type, name] = [input.text(), input.text(), input.text()];
    const userId = textOrNull(input);
    const anonymousId = textOrNull(input);
    const time = input.long();
    const [properties, traits, context] = [readPart(input), readPart(input), readPart(input)];
    const event = new Event({ messageId, type, event: name, userId, anonymousId, time, properties, traits, context });
    if (input.long() !== NULL_BRANCH) {
      const start = input.blobStart();
      event.traceparent = unpackTraceparent(input.bytes.subarray(start, input.at));
    }
    return event;
  }

  /** Writes it as schemas/state/entity.avsc has it: the envelope's fields, and the traceparent. */
  encode(out: AvroWriter): void {
    out.text(this.messageId);
    out.text(this.type);
    out.text(this.event);
    writeTextOrNull(out, this.userId);
    writeTextOrNull(out, this.anonymousId);
    out.long(this.time);
    writePart(out, this.#properties);
    writePart(out, this.#traits);
    writePart(out, this.#context);
    if (this.traceparent === null) out.long(NULL_BRANCH);
    else writeBlob(out, packTraceparent(this.traceparent));
  }

  /** The same without properties, traits and context: what is kept of it where nothing will read them. */
  withoutData(): Event {
    const { messageId, type, event, userId, anonymousId, time } = this;
    const kept = new Event({ messageId, type, event, userId, anonymousId, time });
    kept.traceparent = this.traceparent;
    return kept;
  }

  /** To be called when the event is kept for long: as text its parts take a tenth of the memory. Returns itself. */
  packed(): this {
    this.#properties = pack(this.#properties);
    this.#traits = pack(this.#traits);
    this.#context = pack(this.#context);
    return this;
  }

  toRecord(): EventRecord {
    return {
      messageId: this.messageId,
      type: this.type,
      event: this.event,
      userId: this.userId,
      anonymousId: this.anonymousId,
      timestamp: this.time,
      properties: bytesOf(this.#properties),
      traits: bytesOf(this.#traits),
      context: bytesOf(this.#context),
      traceparent: this.traceparent === null ? null : packTraceparent(this.traceparent),
    };
  }

  get properties(): JsonObject {
    return isUnread(this.#properties) ? (this.#properties = parse(this.#properties)) : this.#properties;
  }

  get traits(): JsonObject {
    return isUnread(this.#traits) ? (this.#traits = parse(this.#traits)) : this.#traits;
  }

  get context(): JsonObject {
    return isUnread(this.#context) ? (this.#context = parse(this.#context)) : this.#context;
  }

  /** Event time as CEL's timestamp type. */
  get timestamp(): Date {
    return new Date(this.time);
  }

  /** As people and templates see it: the names above, timestamp in ISO-8601. */
  toJson(): JsonObject {
    return {
      messageId: this.messageId,
      type: this.type,
      event: this.event,
      userId: this.userId,
      anonymousId: this.anonymousId,
      timestamp: this.timestamp.toISOString(),
      properties: this.properties,
      traits: this.traits,
      context: this.context,
    } satisfies { [name: string]: Json };
  }
}

function isUnread(part: Part): part is string | Uint8Array | JsonText {
  return typeof part === 'string' || part instanceof Uint8Array || part instanceof JsonText;
}

function parse(part: string | Uint8Array | JsonText): JsonObject {
  return JSON.parse(part instanceof Uint8Array ? utf8Text(part) : part.toString());
}

function pack(part: Part): string | Uint8Array | typeof EMPTY {
  if (part === EMPTY || typeof part === 'string' || part instanceof Uint8Array) return part;
  return part instanceof JsonText ? part.toString() : JSON.stringify(part);
}

function bytesOf(part: Part): Uint8Array | null {
  const packed = pack(part);
  if (typeof packed === 'string') return Buffer.from(packed);
  return packed instanceof Uint8Array ? packed : null;
}

/** Branches of `["null", ...]`. */
const NULL_BRANCH = 0;
const VALUE_BRANCH = 1;

function writeTextOrNull(out: AvroWriter, text: string | null): void {
  out.long(text === null ? NULL_BRANCH : VALUE_BRANCH);
  if (text !== null) out.text(text);
}

function textOrNull(input: AvroReader): string | null {
  return input.long() === NULL_BRANCH ? null : input.text();
}

function writeBlob(out: AvroWriter, bytes: Uint8Array): void {
  out.long(VALUE_BRANCH);
  out.blob(bytes);
}

function writePart(out: AvroWriter, part: Part): void {
  if (part === EMPTY) {
    out.long(NULL_BRANCH);
    return;
  }
  out.long(VALUE_BRANCH);
  if (part instanceof JsonText) part.writeTo(out);
  else if (part instanceof Uint8Array) out.blob(part);
  else out.text(typeof part === 'string' ? part : JSON.stringify(part));
}

function readPart(input: AvroReader): JsonText | undefined {
  if (input.long() === NULL_BRANCH) return undefined;
  const start = input.blobStart();
  return new JsonText(input.bytes, start, input.at);
}
