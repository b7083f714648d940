// Fields of a message as senders write them: ids, names, objects, times.
//
// Owns: what is read as absent, and what is refused, with the name of the field and never its value.
// Does not own: which fields a message has (normalise.ts).
//
// Senders differ in how they say nothing: `null`, `""` for a text, and `[]` for an object, which is all that PHP's
// json_encode() makes of an empty array. Ids that are numbers are their digits (exact-ids.ts).

import { RecordError } from '../../lib/errors.ts';
import { parseInstant } from '../../lib/instant.ts';
import { isInternal } from '../../schemas/internal-events.ts';
import { isJsonObject, type JsonObject } from '../../schemas/json.ts';
import { type EventTimeBounds, implausibleTime, PLAUSIBLE } from './event-time.ts';
import { idText, valueAt } from './exact-ids.ts';

/** Longer ids and names are a sender's mistake, and each is kept many times over. */
export const ID_LENGTH_MAX = 512;
/** The last ms that a Date can hold. */
export const TIME_MAX = 8.64e15;

/** Null: it is not given. */
export function optionalId(json: JsonObject, field: string): string | null {
  const value = json[field];
  return isAbsent(value) ? null : checkId(idText(value), field);
}

/** An id at a dotted path. */
export function idAt(json: JsonObject, path: string): string {
  return checkId(idText(valueAt(json, path)), path);
}

/** The name of what happened, a text. */
export function nameOf(json: JsonObject, field: string): string {
  return checkName(checkId(json[field], field), field);
}

/** The same at a dotted path; in plain JSON of other systems numbers are names too. */
export function nameAt(json: JsonObject, path: string): string {
  return checkName(idAt(json, path), path);
}

/** Refuses names that only events of our own have (schemas/internal-events.ts). */
function checkName(name: string, field: string): string {
  if (!isInternal(name)) return name;
  throw new RecordError(
    'TRG_RECORD_RESERVED',
    `${field} begins with "$": such names are Tripline's own, so give the event another one`,
    { field },
  );
}

export function checkId(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw wrongField(field, 'a string that is not empty', value);
  if (value.length > ID_LENGTH_MAX) {
    throw new RecordError(
      'TRG_RECORD_INVALID',
      `${field} is ${value.length} characters long, at most ${ID_LENGTH_MAX}`,
    );
  }
  // Half a surrogate pair has no UTF-8, so two different ids would become one key.
  return value.isWellFormed() ? value : value.toWellFormed();
}

/** Undefined: it is not given. */
export function optionalObject(json: JsonObject, field: string): JsonObject | undefined {
  const value = json[field];
  if (value === undefined || value === null || isEmptyList(value)) return undefined;
  if (!isJsonObject(value)) throw wrongField(field, 'a JSON object', value);
  return value;
}

/** Ms since 1970; null: it is not given. `bounds`: for the hint of a time that cannot be one. */
export function timeIn(value: unknown, field: string, bounds: EventTimeBounds = PLAUSIBLE): number | null {
  if (isAbsent(value)) return null;
  const time = typeof value === 'string' ? parseInstant(value) : typeof value === 'number' ? value : Number.NaN;
  if (Number.isSafeInteger(time) && time >= 0 && time <= TIME_MAX) return time;
  if (Number.isInteger(time) && time > TIME_MAX) {
    throw new RecordError('TRG_RECORD_TIME_IMPLAUSIBLE', implausibleTime(time, bounds, field)!, { field });
  }
  throw wrongField(field, 'an ISO-8601 instant with a zone, or ms since 1970', value);
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** PHP's empty object. */
export function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

export function wrongField(field: string, expected: string, value: unknown): RecordError {
  const is = value === undefined ? 'is missing' : `is ${value === null ? 'null' : kindOf(value)}`;
  return new RecordError('TRG_RECORD_INVALID', `${field} must be ${expected}, and ${is}`, { field });
}

/** The kind of a value; the value itself may be somebody's data. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === '') return 'an empty string';
  return typeof value === 'object' ? 'an object' : `a ${typeof value} that is not one`;
}
