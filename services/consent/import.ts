// Old lists of who said no, as other systems export them: a CSV with a header.
//
// A row with `userId` (or `user`) is what that person said: `all`, `category:<name>` and `channel:<name>` with true or false. A row
// with `email` or `phone` is an address that nothing is sent to any more, whosever it is, with `reason` (bounce, complaint, dead,
// opt-out; default opt-out). `timestamp` and `text` are taken over; `requestedAt` says that the
// person confirmed at `timestamp` what was asked for then (consent.doubleOptIn). One row may be both.

import { CsvRecords } from '../../connectors/sources/files/csv-records.ts';
import { FatalError, RecordError } from '../../lib/errors.ts';
import { parseInstant } from '../../lib/instant.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { SUPPRESSION_REASONS, type SuppressionReason } from '../../schemas/suppression.ts';

export interface ImportedSuppression {
  readonly kind: 'email' | 'phone';
  readonly address: string;
  readonly reason: SuppressionReason;
  /** Wall time, ms; null: now. */
  readonly at: number | null;
}

export interface ImportedConsent {
  readonly changes: readonly JsonObject[];
  readonly suppressions: readonly ImportedSuppression[];
}

const ROW_BYTES_MAX = 1_048_576;
const KNOWN = /^(userId|user|email|phone|reason|timestamp|requestedAt|text|source|all|category:.+|channel:.+)$/;

/** Throws FatalError TRG_FILE_UNREADABLE that names the row. */
export function importedConsent(file: string, text: string, source: string): ImportedConsent {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ line: index + 1, bytes: Buffer.from(line) }))
    .filter(({ bytes }) => bytes.length > 0);
  const reader = new CsvRecords({ recordBytesMax: ROW_BYTES_MAX });
  const [header, ...rows] = [...reader.read(lines), ...reader.end()];
  if (header === undefined || header.fields instanceof RecordError) throw wrong(file, 1, 'the file has no header');
  const names = header.fields.map((name) => name.trim());
  const unknown = names.find((name) => !KNOWN.test(name));
  if (unknown !== undefined) {
    const known =
      'userId, all, category:<name>, channel:<name>, email, phone, reason, timestamp, requestedAt, text, source';
    throw wrong(file, 1, `unknown column "${unknown}": known are ${known}`);
  }
  const changes: JsonObject[] = [];
  const suppressions: ImportedSuppression[] = [];
  for (const { line, fields } of rows) {
    if (fields instanceof RecordError) throw wrong(file, line, fields.message);
    const row = new Map(names.map((name, at) => [name, (fields[at] ?? '').trim()]));
    const change = changeOf(file, line, row, source);
    const addresses = suppressionsOf(file, line, row);
    if (change === null && addresses.length === 0)
      throw wrong(file, line, 'the row names neither a user nor an address');
    if (change !== null) changes.push(change);
    suppressions.push(...addresses);
  }
  return { changes, suppressions };
}

type Row = ReadonlyMap<string, string>;

function changeOf(file: string, line: number, row: Row, source: string): JsonObject | null {
  const userId = row.get('userId') || row.get('user') || '';
  if (userId === '') return null;
  const said = (prefix: string): JsonObject =>
    Object.fromEntries(
      [...row].flatMap(([name, text]) =>
        name.startsWith(prefix) && text !== '' ? [[name.slice(prefix.length), truth(file, line, text)]] : [],
      ),
    );
  const [categories, channels] = [said('category:'), said('channel:')];
  const all = row.get('all') ?? '';
  const { timestamp = '', requestedAt = '', text = '' } = Object.fromEntries(row);
  const isSaid = all !== '' || Object.keys(categories).length + Object.keys(channels).length > 0;
  if (!isSaid) throw wrong(file, line, 'nothing is said of the user: all, category:<name> or channel:<name>');
  return {
    userId,
    ...(all !== '' && { all: truth(file, line, all) }),
    ...(Object.keys(categories).length > 0 && { categories }),
    ...(Object.keys(channels).length > 0 && { channels }),
    ...(timestamp !== '' && { timestamp }),
    ...(requestedAt !== '' && { requestedAt }),
    ...(text !== '' && { text }),
    source: row.get('source') || source,
  };
}

function suppressionsOf(file: string, line: number, row: Row): ImportedSuppression[] {
  const told = row.get('reason') || 'opt-out';
  const reason = SUPPRESSION_REASONS.find((each) => each === told);
  if (reason === undefined) throw wrong(file, line, `the reason is none of ${SUPPRESSION_REASONS.join(', ')}`);
  const timestamp = row.get('timestamp') ?? '';
  const at = timestamp === '' ? null : parseInstant(timestamp);
  if (at !== null && Number.isNaN(at)) throw wrong(file, line, 'the timestamp is no time in ISO-8601');
  return (['email', 'phone'] as const).flatMap((kind) => {
    const address = row.get(kind) ?? '';
    return address === '' ? [] : [{ kind, address, reason, at }];
  });
}

function truth(file: string, line: number, text: string): boolean {
  if (/^(true|yes|1)$/i.test(text)) return true;
  if (/^(false|no|0)$/i.test(text)) return false;
  throw wrong(file, line, 'consent is true or false (yes, no, 1, 0)');
}

function wrong(file: string, line: number, message: string): FatalError {
  return new FatalError('TRG_FILE_UNREADABLE', `${file}:${line}: ${message}`);
}
