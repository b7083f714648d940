// An event: what someone or something just did. Shape: Segment's spec, normalised by processors/intake.ts.
//
// Owns: the in-memory event. Does not own: its bytes (codec.ts), its validation (processors/intake.ts).
//
// Invariants:
//   E1. properties, traits and context are parsed from their bytes only when something reads them.

import type { Json, JsonObject } from './json.ts';

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
  readonly properties?: JsonObject;
  readonly traits?: JsonObject;
  readonly context?: JsonObject;
}

const EMPTY: JsonObject = Object.freeze({});

/** Rules see these names: messageId, type, event, userId, anonymousId, timestamp, properties, traits, context. */
export class Event {
  readonly messageId: string;
  readonly type: string;
  readonly event: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  /** Event time, ms since 1970. */
  readonly time: number;
  #properties: JsonObject | Uint8Array;
  #traits: JsonObject | Uint8Array;
  #context: JsonObject | Uint8Array;

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
    return event;
  }

  /** The same without properties, traits and context: what is kept of it where nothing will read them. */
  withoutData(): Event {
    const { messageId, type, event, userId, anonymousId, time } = this;
    return new Event({ messageId, type, event, userId, anonymousId, time });
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
    };
  }

  get properties(): JsonObject {
    return this.#properties instanceof Uint8Array ? (this.#properties = parse(this.#properties)) : this.#properties;
  }

  get traits(): JsonObject {
    return this.#traits instanceof Uint8Array ? (this.#traits = parse(this.#traits)) : this.#traits;
  }

  get context(): JsonObject {
    return this.#context instanceof Uint8Array ? (this.#context = parse(this.#context)) : this.#context;
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

function parse(bytes: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

function bytesOf(part: JsonObject | Uint8Array): Uint8Array | null {
  if (part instanceof Uint8Array) return part;
  return part === EMPTY ? null : Buffer.from(JSON.stringify(part));
}
