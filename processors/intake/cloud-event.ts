// CloudEvents 1.0 from Kafka records, in binary mode (attributes in `ce_` headers) or structured mode (the whole event is
// the value): both become the structured form. https://github.com/cloudevents/spec, Kafka protocol binding.
//
// Owns: the binding, and which media types are understood. Does not own: what attributes mean to us (normalise.ts).

import { RecordError } from '../../lib/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts';
import type { LogRecord, RecordHeader } from '../../schemas/record.ts';
import { parseJson, parseText } from './json-text.ts';

const PREFIX = 'ce_';
const STRUCTURED = 'application/cloudevents';
const SPEC_VERSION = '1.0';

/**
 * Attributes, and `data` if it has any. `ids`: dotted paths of ids, whose digits are kept. Throws RecordError
 * TRG_RECORD_INVALID, TRG_RECORD_UNREADABLE.
 */
export function structuredCloudEvent({ headers, value }: LogRecord, ids: readonly string[]): JsonObject {
  const contentType = textOf(headers, 'content-type');
  const isStructured = contentType?.toLowerCase().startsWith(STRUCTURED) === true;
  const event = isStructured ? structured(contentType!, value, ids) : binary(contentType, headers, value, ids);
  return checkVersion(event);
}

/** The same of JSON that was read already, as of a batch. Throws RecordError as structuredCloudEvent. */
export function cloudEventOf(json: Json, ids: readonly string[]): JsonObject {
  return checkVersion(withData(json, ids));
}

function checkVersion(event: JsonObject): JsonObject {
  if (event['specversion'] === SPEC_VERSION) return event;
  throw new RecordError(
    'TRG_RECORD_INVALID',
    event['specversion'] === undefined
      ? 'the record is no CloudEvent: it has neither ce_specversion (over HTTP: ce-specversion) among its headers nor a content-type of CloudEvents'
      : `specversion must be ${SPEC_VERSION}`,
    { field: 'specversion' },
  );
}

function structured(contentType: string, value: Uint8Array | null, ids: readonly string[]): JsonObject {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType !== `${STRUCTURED}+json`) {
    throw new RecordError('TRG_RECORD_UNREADABLE', `CloudEvents as ${mediaType} are not understood, only as JSON`);
  }
  const json = parseJson(value ?? new Uint8Array(0), 'the record', ids);
  return withData(json, ids);
}

function withData(json: Json, ids: readonly string[]): JsonObject {
  if (!isJsonObject(json)) throw new RecordError('TRG_RECORD_INVALID', 'a structured CloudEvent must be a JSON object');
  const { data_base64: base64, ...event } = json;
  if (typeof base64 !== 'string') return event;
  const { datacontenttype } = event;
  return { ...event, data: dataOf(Buffer.from(base64, 'base64'), textOrNull(datacontenttype), ids) };
}

function binary(
  contentType: string | null,
  headers: readonly RecordHeader[],
  value: Uint8Array | null,
  ids: readonly string[],
): JsonObject {
  const event: Record<string, Json> = {};
  for (const [name, bytes] of headers) {
    if (name.startsWith(PREFIX)) event[name.slice(PREFIX.length)] = parseText(bytes, `the header ${name}`);
  }
  if (event['specversion'] === undefined) return {};
  if (contentType !== null) event['datacontenttype'] = contentType;
  if (value !== null && value.length > 0) event['data'] = dataOf(value, contentType, ids);
  return event;
}

/** Data is JSON unless its media type says otherwise; text stays text. */
function dataOf(bytes: Uint8Array, contentType: string | null, ids: readonly string[]): Json {
  const mediaType = contentType === null ? 'application/json' : mediaTypeOf(contentType);
  if (/^(application|text)\/(.+\+)?json$/.test(mediaType)) {
    const inData = ids.flatMap((path) => (path.startsWith('data.') ? [path.slice('data.'.length)] : []));
    return parseJson(bytes, 'the event’s data', inData);
  }
  if (mediaType.startsWith('text/')) return parseText(bytes, 'the event’s data');
  throw new RecordError('TRG_RECORD_UNREADABLE', `data as ${mediaType} is not understood: send JSON`);
}

function mediaTypeOf(contentType: string): string {
  return contentType.split(';')[0]!.trim().toLowerCase();
}

function textOf(headers: readonly RecordHeader[], name: string): string | null {
  const header = headers.find(([each]) => each.toLowerCase() === name);
  return header === undefined ? null : parseText(header[1], `the header ${name}`);
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
