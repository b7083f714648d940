// What a person said about messages at one moment. Written to tripline.consent-changes as JSON, keyed by the user's id, and kept for
// ever: with its source, time and the text shown it is the proof.

import { RecordError } from '../lib/errors.ts';
import { parseInstant } from '../lib/instant.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

export interface ConsentChange {
  readonly userId: string;
  /** Every channel that asks consent, and every category. */
  readonly all?: boolean;
  readonly categories?: Readonly<Record<string, boolean>>;
  readonly channels?: Readonly<Record<string, boolean>>;
  /** When it was said, ISO-8601; of what was confirmed, when it was confirmed. */
  readonly timestamp: string;
  /** Of what was confirmed, when it was asked for, ISO-8601: double opt-in. */
  readonly requestedAt?: string;
  /** Where: a form, an import, a link. */
  readonly source?: string;
  /** What the person was shown. */
  readonly text?: string;
}

const FIELDS = ['userId', 'all', 'categories', 'channels', 'timestamp', 'source', 'text'];
const NAMES_MAX = 200;
const TEXT_MAX = 10_000;

/**
 * From a body of anybody who may tell; `now` stands in for a missing time. That something was confirmed it cannot say. Throws
 * RecordError TRG_RECORD_INVALID that says what to mend.
 */
export function consentChangeOf(body: Json, now: number): ConsentChange {
  return changeOf(body, now, FIELDS);
}

/** The same from a record, or from somebody who may say that it was confirmed. */
export function proofOfConsent(body: Json, now: number): ConsentChange {
  return changeOf(body, now, [...FIELDS, 'requestedAt']);
}

function changeOf(body: Json, now: number, fields: readonly string[]): ConsentChange {
  if (!isJsonObject(body)) throw invalid('a consent change is a JSON object');
  for (const name of Object.keys(body)) {
    if (!fields.includes(name)) throw invalid(`unknown field "${name}": known are ${fields.join(', ')}`);
  }
  const { userId, all, timestamp, requestedAt, source, text } = body;
  if ((typeof userId !== 'string' && typeof userId !== 'number') || userId === '') throw invalid('"userId" is missing');
  if (all !== undefined && typeof all !== 'boolean') throw invalid('"all" must be true or false');
  const categories = saidIn(body, 'categories');
  const channels = saidIn(body, 'channels');
  if (all === undefined && categories === undefined && channels === undefined) {
    throw invalid('nothing is said: give "all", "categories" or "channels"');
  }
  return {
    userId: String(userId),
    ...(all !== undefined && { all }),
    ...(categories !== undefined && { categories }),
    ...(channels !== undefined && { channels }),
    timestamp: new Date(timeOf('timestamp', timestamp, now)).toISOString(),
    ...(requestedAt !== undefined && { requestedAt: new Date(timeOf('requestedAt', requestedAt, now)).toISOString() }),
    ...textOf('source', source),
    ...textOf('text', text),
  };
}

export function encodeConsentChange(change: ConsentChange): Uint8Array {
  return Buffer.from(JSON.stringify(change));
}

function saidIn(body: JsonObject, name: 'categories' | 'channels'): Record<string, boolean> | undefined {
  const said = body[name];
  if (said === undefined) return undefined;
  const isWell = isJsonObject(said) && Object.values(said).every((value) => typeof value === 'boolean');
  if (!isWell) throw invalid(`"${name}" must be an object of true and false, such as { "promotions": false }`);
  if (Object.keys(said).length > NAMES_MAX) throw invalid(`"${name}" has more than ${NAMES_MAX} names`);
  return said as Record<string, boolean>;
}

function timeOf(name: string, timestamp: Json | undefined, now: number): number {
  if (timestamp === undefined || timestamp === null) return now;
  const at = typeof timestamp === 'string' ? parseInstant(timestamp) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(`"${name}" must be a time in ISO-8601, such as 2026-01-01T10:00:00Z`);
  return at;
}

function textOf(name: 'source' | 'text', value: Json | undefined): { readonly [name: string]: string } {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'string' || value.length > TEXT_MAX) {
    throw invalid(`"${name}" must be text of at most ${TEXT_MAX} characters`);
  }
  return { [name]: value };
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}
