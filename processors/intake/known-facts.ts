// Records that say what is known of an entity, each keyed by its id: profiles, consent and its changes, commands, answers of
// models, and what came of messages. They become events of that entity: of names that no rule can say
// (schemas/internal-events.ts), or, of messages, `<channel>_<outcome>`, of a type that no other source can give.
//
// Invariants:
//   F1. A record leaves as an event, or RecordError is thrown, which the runtime turns into a dead letter (I6).
//   F3. They bring no events: stream time does not wait for them, and what they are stamped moves nobody's time.
//   F2. They come through inputs of the task that evaluates, so that a replay knows the same at the same point (I1).

import { RecordError } from '../../lib/errors.ts';
import { parseInstant } from '../../lib/instant.ts';
import { commandOf } from '../../schemas/commands.ts';
import { Event, type EventFields } from '../../schemas/event.ts';
import { deliveryCodec } from '../../schemas/framed.ts';
import {
  ANSWER_EVENT,
  COMMAND_EVENT,
  CONSENT_EVENT,
  DELIVERY_TYPE,
  PROFILE_EVENT,
  SCORE_EVENT,
} from '../../schemas/internal-events.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type JsonObject } from '../../schemas/json.ts';
import { ENTITY_HEADER, type LogRecord } from '../../schemas/record.ts';
import { entityKey } from '../../state/entity/document.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import { checkEventTime, type EventTimeBounds } from './event-time.ts';
import { parseJson, parseText } from './json-text.ts';

/** As in the configuration: a type with another character would make the key of somebody else's document. */
const ENTITY_TYPE = /^[a-z][A-Za-z0-9_-]*$/;

export type FactKind = 'profile' | 'consent' | 'consent-change' | 'command' | 'delivery' | 'score';

export interface FactsOptions {
  readonly maxClockSkewMs: number;
  /** Left out: any time will do. */
  readonly eventTime?: EventTimeBounds | undefined;
  readonly recordBytesMax: number;
}

/** Consent said here counts more than a record that was there before: parts of a record about consent. */
const CONSENT_PARTS = new Set(['categories', 'channels', 'all']);

export class KnownFacts implements Processor<SourceRecord> {
  readonly #kind: FactKind;
  readonly #options: FactsOptions;
  #context!: ProcessorContext;

  constructor(kind: FactKind, options: FactsOptions) {
    this.#kind = kind;
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ value: read }: Message<SourceRecord>): void {
    const { record } = read;
    if (record.key === null || record.key.length === 0) throw invalid('the record has no key, which is the entity id');
    const id = parseText(record.key, 'the key of the record');
    const messageId = `${read.topic}-${read.partition}-${record.offset}`;
    const origin = { messageId, id, time: record.timestamp };
    const event =
      this.#kind === 'delivery' ? deliveryEvent(record, origin) : eventOf(this.#kind, this.#jsonOf(record), origin);
    // A scanner's clicks are a record, and nobody's deed.
    if (event === null) return;
    const { eventTime } = this.#options;
    if (eventTime !== undefined) checkEventTime(event.time, eventTime, "the record's time");
    if (event.time - this.#context.wallTime() > this.#options.maxClockSkewMs) {
      throw new RecordError('TRG_RECORD_IN_FUTURE', 'the record is stamped further in the future than maxClockSkew');
    }
    const key = entityKey(
      this.#kind === 'delivery' ? String(event.properties['entityType']) : entityTypeOf(record),
      id,
    );
    this.#context.forward({ key, value: event, timestamp: event.time, headers: record.headers });
  }

  #jsonOf({ value }: LogRecord): JsonObject | null {
    if (value === null) return null;
    if (value.length > this.#options.recordBytesMax) {
      throw new RecordError('TRG_RECORD_TOO_LARGE', `the record has ${value.length} bytes (limits.recordBytes)`);
    }
    const json = parseJson(value, 'the record', []);
    if (!isJsonObject(json)) throw invalid('the record must be a JSON object');
    if (!isNestedWithin(json, DEPTH_MAX)) throw invalid(`the record is nested deeper than ${DEPTH_MAX} levels`);
    return json;
  }
}

interface Origin {
  readonly messageId: string;
  readonly id: string;
  readonly time: number;
}

/** A record without a value was deleted: nothing is known any more. */
function eventOf(kind: FactKind, json: JsonObject | null, { messageId, id, time }: Origin): Event {
  const fields = { messageId, userId: id, anonymousId: null, time };
  if (kind === 'profile') return profileEvent(json, fields);
  if (kind === 'consent') return consentEvent(json, fields);
  if (kind === 'consent-change') return consentChangeEvent(json, fields);
  if (kind === 'command') return commandEvent(json, fields);
  return scoreEvent(json, fields);
}

type OriginFields = Pick<EventFields, 'messageId' | 'userId' | 'anonymousId' | 'time'>;

function profileEvent(json: JsonObject | null, fields: OriginFields): Event {
  const properties = json === null ? { properties: { deleted: true } } : {};
  return new Event({ ...fields, type: 'identify', event: PROFILE_EVENT, traits: json ?? {}, ...properties });
}

function consentEvent(json: JsonObject | null, fields: OriginFields): Event {
  for (const [name, said] of Object.entries(json ?? {})) {
    if (!CONSENT_PARTS.has(name)) throw invalid(`unknown field "${name}": a record has categories, channels, all`);
    const isWell = name === 'all' ? typeof said === 'boolean' : isJsonObject(said);
    if (!isWell) throw invalid(`"${name}" must be ${name === 'all' ? 'true or false' : 'an object of true and false'}`);
  }
  return new Event({ ...fields, type: 'consent', event: CONSENT_EVENT, properties: json ?? { deleted: true } });
}

/** What was said at one moment (schemas/consent-change.ts), kept for ever as the proof. */
function consentChangeEvent(json: JsonObject | null, fields: OriginFields): Event {
  const { all, categories, channels, timestamp, source, requestedAt } = json ?? {};
  const said = {
    ...(all !== undefined && { all }),
    ...(categories !== undefined && { categories }),
    ...(channels !== undefined && { channels }),
  };
  const at = timestamp === undefined ? fields.time : parseInstant(String(timestamp));
  if (Number.isNaN(at)) throw invalid('"timestamp" of a consent change must be a time in ISO-8601');
  const { type, event, properties } = consentEvent(said, { ...fields, time: at });
  // A yes that was not asked about and answered is one that somebody else may have said.
  const unconfirmed = requestedAt === undefined ? { confirmed: false, ...(source !== undefined && { source }) } : {};
  return new Event({ ...fields, time: at, type, event, properties: { ...properties, ...unconfirmed } });
}

function commandEvent(json: JsonObject | null, fields: OriginFields): Event {
  const command = commandOf(json ?? {});
  if (command.kind === 'answer' || command.kind === 'assign') {
    const properties = command as unknown as JsonObject;
    return new Event({ ...fields, time: command.at, type: 'command', event: ANSWER_EVENT, properties });
  }
  return new Event({ ...fields, type: 'command', event: COMMAND_EVENT, properties: command as unknown as JsonObject });
}

/** The type of entity that alerts are addressed to (connectors/channels/delivery/alerts.ts). */
const ALERTED = 'tripline';

/** Null: a scanner did it, or it is about an alert. Throws RecordError. */
function deliveryEvent({ value }: LogRecord, { messageId, id }: Origin): Event | null {
  const told = deliveryCodec.decode(value ?? new Uint8Array(0));
  // Alerts are about no entity of anybody's.
  if (told.isMachine || told.entity.type === ALERTED) return null;
  const { channel, outcome, at, entity, isMachine: _, ...properties } = told;
  return new Event({
    messageId,
    userId: id,
    anonymousId: null,
    time: at,
    type: DELIVERY_TYPE,
    event: `${channel}_${outcome}`,
    properties: { ...properties, entityType: entity.type },
  });
}

function scoreEvent(json: JsonObject | null, fields: OriginFields): Event {
  const { model, value, at } = json ?? {};
  const isScore = typeof value === 'number' || value === null;
  if (typeof model !== 'string' || !isScore || typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0) {
    throw invalid('an answer has a model, a value and the time it is about');
  }
  // An answer that is written twice is one.
  const messageId = `score-${model}-${at}`;
  return new Event({ ...fields, messageId, time: at, type: 'score', event: SCORE_EVENT, properties: { model, value } });
}

/** Of the entity that a record about what is known is of. */
export function entityTypeOf({ headers }: LogRecord): string {
  const header = headers.find(([name]) => name === ENTITY_HEADER);
  const type = header === undefined ? 'user' : parseText(header[1], 'the header of the entity');
  if (!ENTITY_TYPE.test(type)) throw invalid(`the header ${ENTITY_HEADER} names no type of entity`);
  return type;
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}
