// A row of a Parquet file to a Segment message.
//
// Owns: which column is what, with a mapping or by the names of Segment's own fields. Does not own: reading the file (parquet.ts).
//
// Invariants:
//   M1. A derived messageId depends on the row's content and number only: reading the file again gives the same.

import { hash } from 'node:crypto';
import type { RecordError } from '../../../lib/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import { checkId, timeHint } from './csv-event.ts';
import type { CsvMapping } from './csv-mapping.ts';
import { NotText, type ParquetRow } from './parquet.ts';
import { malformed, notUtf8 } from './refused.ts';

/** Hex digits of a derived messageId: 96 bits, so that a billion rows do not meet. */
const DERIVED_ID_DIGITS = 24;
/** Fields of a message that are objects, which warehouses export as text. */
const OBJECTS = ['properties', 'traits', 'context'];

/** Makes the message of a row; `row` counts the file's rows from 1. Throws RecordError. */
export type ParquetRowReader = (row: ParquetRow, number: number) => JsonObject;

/** Without a mapping the columns are the fields of Segment's messages. Throws ProblemsError when a mapped column is not there. */
export function parquetRowReader(
  mapping: CsvMapping | undefined,
  columns: readonly string[],
  path: string,
): ParquetRowReader {
  if (mapping === undefined) return segmentRow;
  mapping.checkColumns(columns, path);
  return (row, number) => mappedRow(mapping, row, number);
}

function segmentRow(row: ParquetRow): JsonObject {
  const message: Record<string, Json> = {};
  for (const [name, value] of Object.entries(row)) {
    const json = jsonOf(value, name);
    if (json === null) continue;
    message[name] = typeof json === 'string' && OBJECTS.includes(name) ? objectIn(json, name) : json;
  }
  return message;
}

function mappedRow({ columns, parseTime, timestampFormat, ...mapping }: CsvMapping, row: ParquetRow, number: number) {
  const idOf = (column: string | null | undefined): string => {
    const value = column == null ? null : jsonOf(row[column], column);
    if (value === null) return '';
    if (typeof value !== 'string' && typeof value !== 'number') throw malformed(`the column "${column}" is no id`);
    checkId(column!, String(value));
    return String(value);
  };
  const at = row[columns.timestamp];
  const written = at instanceof Date ? '' : String(jsonOf(at, columns.timestamp) ?? '');
  const time = at instanceof Date ? at.getTime() : parseTime(written);
  if (!Number.isSafeInteger(time)) {
    throw malformed(
      `the column "${columns.timestamp}" is not a time, nor text in the form ${timestampFormat}${timeHint(written)}`,
    );
  }
  const messageId = idOf(columns.messageId);
  const userId = idOf(columns.userId);
  const anonymousId = idOf(columns.anonymousId);
  const picked = (names: readonly string[]): JsonObject =>
    Object.fromEntries(names.map((name) => [name, jsonOf(row[name], name)]));
  const message: Record<string, Json> = {
    type: 'track',
    messageId: messageId === '' ? derivedId(row, number) : messageId,
    event: jsonOf(row[columns.event], columns.event),
    timestamp: new Date(time).toISOString(),
    properties: picked(mapping.properties),
  };
  // An empty cell is nobody's id; intake says so when there is no other.
  if (userId !== '') message['userId'] = userId;
  if (anonymousId !== '') message['anonymousId'] = anonymousId;
  if (mapping.traits.length > 0) message['traits'] = picked(mapping.traits);
  return message;
}

function objectIn(text: string, column: string): Json {
  try {
    const json = JSON.parse(text) as Json;
    if (json === null || isJsonObject(json)) return json;
  } catch {
    // Said below.
  }
  throw malformed(`the column "${column}" is text that is no JSON object`);
}

/** Throws RecordError for bytes that are no text. */
function jsonOf(value: unknown, column: string): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof NotText) throw notUtf8(value.bytes);
  if (value instanceof Uint8Array) throw binary(column);
  if (Array.isArray(value)) return value.map((item) => jsonOf(item, column));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, jsonOf(inner, column)]));
}

function binary(column: string): RecordError {
  return malformed(`the column "${column}" holds bytes, which are no value of an event`);
}

function derivedId(row: ParquetRow, number: number): string {
  const content = JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return `parquet-${hash('sha256', `${content}\n${number}`, 'hex').slice(0, DERIVED_ID_DIGITS)}`;
}
