// Records of the compacted topics that say what is known of people: profiles, consent, and answers of models, each keyed
// by the entity's id, become events of that entity which no rule can name (schemas/internal-events.ts).
//
// Invariants:
//   F1. A record leaves as an event, or RecordError is thrown, which the runtime turns into a dead letter (I6).
//   F3. They bring no events: stream time does not wait for them, and what they are stamped moves nobody's time.
//   F2. They come through inputs of the task that evaluates, so that a replay knows the same at the same point (I1).

import { utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { Event, type EventFields } from '../../schemas/event.ts';
import { CONSENT_EVENT, PROFILE_EVENT, SCORE_EVENT } from '../../schemas/internal-events.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type JsonObject } from '../../schemas/json.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { entityKey } from '../../state/entity/document.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';

export type FactKind = 'profile' | 'consent' | 'score';

export interface FactsOptions {
  readonly maxClockSkewMs: number;
  readonly recordBytesMax: number;
}

/** The header that names the entity's type; without it, it is a user. */
const ENTITY_HEADER = 'tripline-entity';
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
    const id = utf8Text(record.key);
    const messageId = `${read.topic}-${read.partition}-${record.offset}`;
    const event = eventOf(this.#kind, this.#jsonOf(record), { messageId, id, time: record.timestamp });
    if (event.time - this.#context.wallTime() > this.#options.maxClockSkewMs) {
      throw new RecordError('TRG_RECORD_IN_FUTURE', 'the record is stamped further in the future than maxClockSkew');
    }
    const key = entityKey(entityTypeOf(record), id);
    this.#context.forward({ key, value: event, timestamp: event.time, headers: record.headers });
  }

  #jsonOf({ value }: LogRecord): JsonObject | null {
    if (value === null) return null;
    if (value.length > this.#options.recordBytesMax) {
      throw new RecordError('TRG_RECORD_TOO_LARGE', `the record has ${value.length} bytes (limits.recordBytes)`);
    }
    let json: unknown;
    try {
      json = JSON.parse(utf8Text(value));
    } catch {
      // JSON.parse quotes the text in its message, which is somebody's data.
      throw new RecordError('TRG_RECORD_UNREADABLE', 'the record is not JSON');
    }
    if (!isJsonObject(json as never)) throw invalid('the record must be a JSON object');
    if (!isNestedWithin(json as never, DEPTH_MAX))
      throw invalid(`the record is nested deeper than ${DEPTH_MAX} levels`);
    return json as JsonObject;
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
  return header === undefined ? 'user' : utf8Text(header[1]);
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}
