// JSON of a source to an Event: which fields are needed, what their types must be, which entity it concerns.
//
// Owns: what each format's fields mean. Does not own: bytes to JSON (decode.ts), reading a field (fields.ts). Pure functions;
// intake.ts runs them.

import { RecordError } from '../../lib/errors.ts';
import { Event } from '../../schemas/event.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type JsonObject } from '../../schemas/json.ts';
import { idText, valueAt } from './exact-ids.ts';
import {
  checkId,
  ID_LENGTH_MAX,
  idAt,
  nameAt,
  nameOf,
  optionalId,
  optionalObject,
  timeIn,
  wrongField,
} from './fields.ts';
import { pathsOfOther, type SourceFormat } from './source-format.ts';

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

/** Throws RecordError TRG_RECORD_INVALID that names the field and what it must be. */
export function normalise(json: unknown, source: SourceFormat, origin: Origin): Normalised {
  if (!isJsonObject(json)) throw wrongField('the message', 'a JSON object', json);
  if (!isNestedWithin(json, DEPTH_MAX)) {
    throw new RecordError('TRG_RECORD_INVALID', `the message is nested deeper than ${DEPTH_MAX} levels`);
  }
  if (source.format === 'segment') return segment(json, source, origin);
  return source.format === 'cloudevents' ? cloudEvent(json, source, origin) : plain(json, source, origin);
}

function segment(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const type = json['type'] ?? 'track';
  if (typeof type !== 'string' || !CALLS.has(type)) throw wrongField('type', `one of ${[...CALLS].join(', ')}`, type);
  const userId = optionalId(json, 'userId');
  const anonymousId = optionalId(json, 'anonymousId');
  const name = type === 'track' ? nameOf(json, 'event') : type;
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
  const { name } = json;
  const groupId = type === 'group' ? optionalId(json, 'groupId') : null;
  if (groupId !== null) return { groupId, ...properties };
  return typeof name === 'string' ? { name, ...properties } : properties;
}

function plain(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const entityId = idAt(json, source.id ?? `${source.entity}Id`);
  const event = new Event({
    messageId: source.messageId === undefined ? origin.fallbackId() : idAt(json, source.messageId),
    type: 'track',
    event: nameAt(json, source.event ?? 'event'),
    userId: source.entity === 'user' ? entityId : null,
    anonymousId: null,
    time: timeOf(valueAt(json, source.timestamp ?? 'timestamp'), source.timestamp ?? 'timestamp', origin),
    properties: json,
  });
  return { entityId, others: othersOf(json, source), event };
}

/** No other entities. */
export const NOBODY: readonly never[] = [];

/** An entity whose id is not there, or is none, is not concerned. */
function othersOf(json: JsonObject, source: SourceFormat): Normalised['others'] {
  if (source.others === undefined) return NOBODY;
  return source.others.flatMap(({ entity, id: configured }) => {
    const [path, inProperties] = pathsOfOther(configured, source);
    const id = idText(valueAt(json, path) ?? valueAt(json, inProperties));
    const isId = typeof id === 'string' && id !== '' && id.length <= ID_LENGTH_MAX;
    return isId ? [{ type: entity, id: id.toWellFormed() }] : [];
  });
}

/** The structured form, whichever the record had (cloud-event.ts). */
function cloudEvent(json: JsonObject, source: SourceFormat, origin: Origin): Normalised {
  const { data = null, ...attributes } = json;
  const entityId = idAt(json, source.id ?? 'subject');
  const name = checkId(json['id'], 'id');
  const event = new Event({
    // Ids are unique within their source only. A URI has no spaces, so the two parts stay apart.
    messageId:
      source.messageId === undefined
        ? checkId(`${checkId(json['source'], 'source')} ${name}`, 'source and id')
        : idAt(json, source.messageId),
    type: 'track',
    event: nameAt(json, source.event ?? 'type'),
    userId: source.entity === 'user' ? entityId : null,
    anonymousId: null,
    time: timeOf(valueAt(json, source.timestamp ?? 'time'), source.timestamp ?? 'time', origin),
    properties: data === null ? undefined : isJsonObject(data) ? data : { data },
    context: attributes,
  });
  return { entityId, others: othersOf(json, source), event };
}

function timeOf(value: unknown, field: string, origin: Origin): number {
  const time = timeIn(value, field) ?? origin.recordTime;
  if (time === null) throw wrongField(field, 'given', value);
  return time;
}
