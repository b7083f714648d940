// A row of a CSV file to a Segment message.
//
// Invariants:
//   M1. A derived messageId depends on the row's content and number only: reading the file again gives the same.

import { hash } from 'node:crypto';
import { RecordError } from '../../../lib/errors.ts';
import type { Json, JsonObject } from '../../../schemas/json.ts';
import type { CsvMapping } from './csv-mapping.ts';

/** Hex digits of a derived messageId: 96 bits, so that a billion rows do not meet. */
const DERIVED_ID_DIGITS = 24;

/** Makes the message of a row; `row` counts the file's rows from 1, without the header. Throws RecordError. */
export type RowReader = (fields: readonly string[], row: number) => JsonObject;

/** Throws ProblemsError when the mapping names columns that `header` does not have. */
export function rowReader(mapping: CsvMapping, header: readonly string[], csvFile: string): RowReader {
  mapping.checkColumns(header, csvFile);
  const { columns, parseTime } = mapping;
  const indexOf = (name: string | null | undefined): number => (name == null ? -1 : header.indexOf(name));
  const eventAt = indexOf(columns.event);
  const timestampAt = indexOf(columns.timestamp);
  const userIdAt = indexOf(columns.userId);
  const anonymousIdAt = indexOf(columns.anonymousId);
  const messageIdAt = indexOf(columns.messageId);
  const properties = mapping.properties.map((name) => [name, indexOf(name)] as const);
  const traits = mapping.traits.map((name) => [name, indexOf(name)] as const);

  return (fields, row) => {
    const time = parseTime(fields[timestampAt]!);
    if (!Number.isSafeInteger(time)) {
      throw invalid(
        `the column "${columns.timestamp}" is not a time in the form ${mapping.timestampFormat}${timeHint(fields[timestampAt]!)}`,
      );
    }
    for (const at of [userIdAt, anonymousIdAt, messageIdAt]) if (at !== -1) checkId(header[at]!, fields[at]!);
    const message: Record<string, Json> = {
      type: 'track',
      messageId: messageIdAt === -1 ? derivedId(fields, row) : fields[messageIdAt]!,
    };
    // An empty cell is nobody's id; intake says so when there is no other.
    if (userIdAt !== -1 && fields[userIdAt] !== '') message['userId'] = fields[userIdAt]!;
    if (anonymousIdAt !== -1 && fields[anonymousIdAt] !== '') message['anonymousId'] = fields[anonymousIdAt]!;
    message['event'] = fields[eventAt]!;
    message['timestamp'] = new Date(time).toISOString();
    message['properties'] = picked(properties, fields);
    if (traits.length > 0) message['traits'] = picked(traits, fields);
    return message;
  };
}

/** What exporters write where there is no value: as an id it would make one person of all who have none. */
const NO_IDS = new Set(
  [
    'null',
    '\\N',
    'none',
    'nil',
    'nan',
    'undefined',
    'n/a',
    '#n/a',
    '#ref!',
    '#value!',
    '#name?',
    '[object object]',
    '(null)',
  ].map((word) => word.toLowerCase()),
);

/** Throws RecordError for an id that is several people's. */
export function checkId(column: string, id: string): void {
  // Long before, the digits that told two ids apart were lost.
  if (/^\d([.,]\d+)?E\+\d+$/i.test(id)) {
    throw invalid(
      `the column "${column}" holds an id as Excel rounds it (1.23E+15): format the column as text, and export it again`,
    );
  }
  if (NO_IDS.has(id.toLowerCase())) {
    throw invalid(`the column "${column}" holds "${id}", which is nobody's id: leave the cell empty`);
  }
}

/** What a time that does not fit probably is. */
export function timeHint(text: string): string {
  if (/^[34]\d{4}(\.\d+)?$/.test(text)) return ': it is a day number of Excel, format the column as a date';
  if (/^[12]\d{9}(\.\d+)?$/.test(text)) return ': it looks like `timestampFormat: epoch-s`';
  if (/^[12]\d{12}$/.test(text)) return ': it looks like `timestampFormat: epoch-ms`';
  if (/^#+$/.test(text)) return ': the column was too narrow for it when it was exported';
  return text === '' ? ': it is empty' : '';
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}

function picked(columns: readonly (readonly [name: string, at: number])[], fields: readonly string[]): JsonObject {
  const values: Record<string, string> = {};
  for (const [name, at] of columns) values[name] = fields[at]!;
  return values;
}

function derivedId(fields: readonly string[], row: number): string {
  return `csv-${hash('sha256', `${JSON.stringify(fields)}\n${row}`, 'hex').slice(0, DERIVED_ID_DIGITS)}`;
}
