// JSON of a source to an Event: which fields are needed, what their types must be, which entity it concerns.
//
// Owns: what each format's fields mean. Does not own: bytes to JSON (decode.ts). Pure functions; intake.ts runs them.

import { RecordError } from '../../lib/errors.ts';
import { parseInstant } from '../../lib/instant.ts';
import { Event } from '../../schemas/event.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type JsonObject } from '../../schemas/json.ts';
import type { SchemaLookup } from '../../schemas/schema-lookup.ts';

/** How the records of one source topic are to be understood (configuration: sources). */
export interface SourceFormat {
  readonly topic: string;
  readonly format: 'segment' | 'json' | 'cloudevents' | 'avro';
  /** The record's key is the entity's id, and its partition the entity's. */
  readonly keyed: boolean;
  readonly entity: string;
  /** For all but `segment`: dotted paths of the entity's id, the event's name, its time and its id. */
  readonly id?: string;
  readonly event?: string;
  readonly timestamp?: string;
  readonly messageId?: string;
  /** For `avro`: the schemas that its records were written with. */
  readonly schemas?: SchemaLookup;
  /** Other entities that an event may concern, with the dotted path of each one's id; it goes to each whose id is there. */
  readonly others?: readonly { readonly entity: string; readonly id: string }[];
}

/** What is known of a record apart from its JSON. */
export interface Origin {
  /** Makes up an id for a message without one: unique and the same in every replay. */
  readonly fallbackId: () => string;
  /** Time of the record, ms, for messages without one; null: then they are refused. */
  readonly recordTime: number | null;
}

export interface Normalised {
  readonly entityId: string;
  /** The other entities that the event concerns. */
  readonly others: readonly { readonly type: string; readonly id: string }[];
  readonly event: Event;
}

const CALLS = new Set(['track', 'identify', 'page', 'screen', 'group', 'alias']);
/** Longer ids and names are a sender's mistake, and each is kept many times over. */
export const ID_LENGTH_MAX = 512;
/** The last ms that a Date can hold. */
export const TIME_MAX = 8.64e15;

/** Throws RecordError TRG_RECORD_INVALID that names the field and what it must be. */
export function normalise(json: unknown, source: SourceFormat, origin: Origin): Normalised {
  if (!isJsonObject(json)) throw invalid('the message', 'a JSON object', json);
  if (!isNestedWithin(json, DEPTH_MAX)) {
    throw new RecordError('TRG_RECORD_INVALID', `the message is nested deeper than ${DEPTH_MAX} levels`);
  }
  if (source.format === 'segment') return segment(json, source, origin);
  return source.format === 'cloudevents' ? cloudEvent(json, source, origin) : plain(json, source, origin);
}

function segment(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const type = json['type'] ?? 'track';
  if (typeof type !== 'string' || !CALLS.has(type)) throw invalid('type', `one of ${[...CALLS].join(', ')}`, type);
  const userId = optionalId(json, 'userId');
  const anonymousId = optionalId(json, 'anonymousId');
  const name = type === 'track' ? requiredId(json, 'event') : type;
  const event = new Event({
    messageId: optionalId(json, 'messageId') ?? origin.fallbackId(),
    type,
    event: name,
    userId,
    anonymousId,
    time: timeOf(json['timestamp'], 'timestamp', origin),
    properties: type === 'track' ? optionalObject(json, 'properties') : callProperties(json, type),
    traits: optionalObject(json, 'traits'),
    context: optionalObject(json, 'context'),
  });
  const entityId = source.entity === 'user' ? (userId ?? anonymousId) : idAt(json, source.id ?? `${source.entity}Id`);
  if (entityId === null) throw new RecordError('TRG_RECORD_INVALID', 'neither userId nor anonymousId is given');
  return { entityId, others: othersOf(json, source), event };
}

/** What calls other than track tell beside their properties. */
function callProperties(json: JsonObject, type: string): JsonObject | undefined {
  const properties = optionalObject(json, 'properties');
  const { groupId, name } = json;
  if (type === 'group' && typeof groupId === 'string') return { groupId, ...properties };
  return typeof name === 'string' ? { name, ...properties } : properties;
}

function plain(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const entityId = idAt(json, source.id ?? `${source.entity}Id`);
  const event = new Event({
    messageId: source.messageId === undefined ? origin.fallbackId() : idAt(json, source.messageId),
    type: 'track',
    event: idAt(json, source.event ?? 'event'),
    userId: source.entity === 'user' ? entityId : null,
    anonymousId: null,
    time: timeOf(valueAt(json, source.timestamp ?? 'timestamp'), source.timestamp ?? 'timestamp', origin),
    properties: json,
  });
  return { entityId, others: othersOf(json, source), event };
}

/** No other entities. */
export const NOBODY: readonly never[] = [];

/** Where in the message of each format is what rules see as the event's properties. */
const PROPERTIES_AT: Readonly<Record<SourceFormat['format'], string>> = {
  segment: 'properties.',
  json: '',
  avro: '',
  cloudevents: 'data.',
};

/** An entity whose id is not there, or is none, is not concerned. */
function othersOf(json: JsonObject, source: SourceFormat): Normalised['others'] {
  if (source.others === undefined) return NOBODY;
  return source.others.flatMap(({ entity, id: path }) => {
    const value = valueAt(json, path) ?? valueAt(json, path.replace(/^properties\./, PROPERTIES_AT[source.format]));
    const id = typeof value === 'number' ? String(value) : value;
    const isId = typeof id === 'string' && id !== '' && id.length <= ID_LENGTH_MAX;
    return isId ? [{ type: entity, id: id.toWellFormed() }] : [];
  });
}

/** The structured form, whichever the record had (cloud-event.ts). */
function cloudEvent(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const { data = null, ...attributes } = json;
  const entityId = idAt(json, source.id ?? 'subject');
  const name = requiredId(json, 'id');
  const event = new Event({
    // Ids are unique within their source only. A URI has no spaces, so the two parts stay apart.
    messageId:
      source.messageId === undefined
        ? checkId(`${requiredId(json, 'source')} ${name}`, 'source and id')
        : idAt(json, source.messageId),
    type: 'track',
    event: idAt(json, source.event ?? 'type'),
    userId: source.entity === 'user' ? entityId : null,
    anonymousId: null,
    time: timeOf(valueAt(json, source.timestamp ?? 'time'), source.timestamp ?? 'time', origin),
    properties: data === null ? undefined : isJsonObject(data) ? data : { data },
    context: attributes,
  });
  return { entityId, others: othersOf(json, source), event };
}

function timeOf(value: unknown, field: string, origin: Origin): number {
  if (value === undefined || value === null) {
    if (origin.recordTime !== null) return origin.recordTime;
    throw invalid(field, 'given', value);
  }
  const time = typeof value === 'string' ? parseInstant(value) : typeof value === 'number' ? value : Number.NaN;
  if (!Number.isSafeInteger(time) || time < 0 || time > TIME_MAX) {
    throw invalid(field, 'an ISO-8601 instant with a zone, or ms since 1970', value);
  }
  return time;
}

function optionalId(json: JsonObject, field: string): string | null {
  const value = json[field];
  return value === undefined || value === null ? null : checkId(value, field);
}

function requiredId(json: JsonObject, field: string): string {
  return checkId(json[field], field);
}

/** An id at a dotted path; numbers are ids too, in plain JSON of other systems. */
function idAt(json: JsonObject, path: string): string {
  const value = valueAt(json, path);
  return checkId(typeof value === 'number' ? String(value) : value, path);
}

function checkId(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a string that is not empty', value);
  if (value.length > ID_LENGTH_MAX) {
    throw new RecordError(
      'TRG_RECORD_INVALID',
      `${field} is ${value.length} characters long, at most ${ID_LENGTH_MAX}`,
    );
  }
  // Half a surrogate pair has no UTF-8, so two different ids would become one key.
  return value.isWellFormed() ? value : value.toWellFormed();
}

function optionalObject(json: JsonObject, field: string): JsonObject | undefined {
  const value = json[field];
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw invalid(field, 'a JSON object', value);
  return value;
}

function valueAt(json: JsonObject, path: string): unknown {
  let value: unknown = json;
  for (const name of path.split('.')) value = isJsonObject(value) ? value[name] : undefined;
  return value;
}

function invalid(field: string, expected: string, value: unknown): RecordError {
  const is = value === undefined ? 'is missing' : `is ${value === null ? 'null' : kindOf(value)}`;
  return new RecordError('TRG_RECORD_INVALID', `${field} must be ${expected}, and ${is}`, { field });
}

/** The kind of a value; the value itself may be somebody's data. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === '') return 'an empty string';
  return typeof value === 'object' ? 'an object' : `a ${typeof value} that is not one`;
}
