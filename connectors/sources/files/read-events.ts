// Reads events from a file: JSON, CSV or Parquet, plain or packed, in batches and with bounded memory.
//
// Owns: which reader a file needs. Does not own: whether a message is valid (processors/intake/intake.ts).
//
// Invariants:
//   F1. Every line that is not blank is one entry, or several where it holds several events: an event, or an error that
//       names the line. Nothing is left out (I6).
//   F2. Entries come in the order of the file.
//   F3. The last line of a damaged file is not passed on, as it may be half of one.
//
// Edge `event-file`: a line of a file of events is read, for a backtest or another command.
//   throws: that line is refused with its number; the lines around it are read
//   rejects: a file that cannot be opened or unpacked ends the command, after what could be read
//   hangs: cannot: the system reads a file; who names a pipe waits for its writer, and Ctrl-C ends that
//   too large: that line is refused with its number, and takes no memory
//   behind: connectors/sources/files/, services/backtest/, lib/external-sort.ts, lib/text-encoding.ts

import { isUtf8 } from 'node:buffer';
import { FatalError, RecordError } from '../../../lib/errors.ts';
import { encodingOf, type TextEncoding, Utf8Writer } from '../../../lib/text-encoding.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { ByteFeed } from './byte-feed.ts';
import { type RowReader, rowReader } from './csv-event.ts';
import { type CsvMapping, loadMapping } from './csv-mapping.ts';
import { type CsvRecord, CsvRecords, lineEndOf } from './csv-records.ts';
import { fileChunks } from './file-chunks.ts';
import { isCutByValues, JsonValues } from './json-values.ts';
import { type Line, LineSplitter, type Splitter } from './line-splitter.ts';
import { isParquet, type ParquetFile, readParquet } from './parquet.ts';
import { parquetRowReader } from './parquet-event.ts';
import { malformed, notUtf8, tooLarge } from './refused.ts';

/** As limits.recordBytes: larger than any event should be. */
const RECORD_BYTES_MAX = 1_048_576;
/** Looked at to see what kind of text the file is. */
const HEAD_BYTES = 64 * 1024;

/** Of `bytes` (a JSON line, not parsed), `json` (a row as a message) and `error`, one is set. */
export interface FileEntry {
  /** Where it begins in the file, from 1; of Parquet, the row. */
  readonly line: number;
  /** Which of several events in that line, from 0; left out: it is the only one. */
  readonly index?: number;
  readonly bytes?: Uint8Array;
  readonly json?: JsonObject;
  readonly error?: RecordError;
}

export interface ReadEventsOptions {
  /** Path of the mapping file; needed for CSV, and makes a file that is not Parquet one. */
  readonly mapping?: string | undefined;
  /** Encoding of the file; left out: the mapping's, or what the file shows (text-encoding.ts). A byte order mark wins. */
  readonly encoding?: TextEncoding | undefined;
  /** A longer line is an error entry. */
  readonly recordBytesMax?: number | undefined;
  /** Told how many more bytes of the file, as it is on disk, were read. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/**
 * Batches of about 1,000 entries. The mapping is read at once, the file as the batches are taken.
 * Throws FatalError TRG_CONFIG_INVALID for a wrong mapping, TRG_USAGE for CSV without one; while reading
 * TRG_FILE_UNREADABLE, after everything that could be read was passed on.
 */
export function readEvents(path: string, options: ReadEventsOptions = {}): AsyncGenerator<readonly FileEntry[]> {
  const recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX;
  const mapping = options.mapping === undefined ? undefined : loadMapping(options.mapping);
  if (mapping === undefined && /\.(csv|tsv)(\.gz|\.zst)?$/i.test(path)) {
    throw new FatalError('TRG_USAGE', `${path} is CSV: a mapping file must say what its columns are (--mapping)`);
  }
  return entriesOf(path, mapping, { ...options, recordBytesMax });
}

async function* entriesOf(
  path: string,
  mapping: CsvMapping | undefined,
  { recordBytesMax, encoding, onRead }: ReadEventsOptions & { readonly recordBytesMax: number },
): AsyncGenerator<readonly FileEntry[]> {
  if (await isParquet(path)) {
    yield* readParquet(path, (file) => parquetEntries(path, file, mapping, onRead));
    return;
  }
  if (mapping?.format === 'parquet') {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} is not Parquet, as its mapping says it is`, { file: path });
  }
  const text = new ByteFeed(utf8Chunks(path, encoding ?? mapping?.encoding, onRead));
  yield* mapping === undefined
    ? jsonEntries(path, text, recordBytesMax)
    : csvEntries(path, text, mapping, recordBytesMax);
}

/** Rows handed over at a time. */
const ROWS = 1_000;

async function* parquetEntries(
  path: string,
  file: ParquetFile,
  mapping: CsvMapping | undefined,
  onRead: (bytes: number) => void = () => {},
): AsyncGenerator<readonly FileEntry[]> {
  const read = parquetRowReader(mapping, file.columns, path);
  let row = 0;
  for await (const { rows, bytes } of file.groups()) {
    for (let from = 0; from < rows.length; from += ROWS) {
      const some = rows.slice(from, from + ROWS);
      onRead((bytes * some.length) / rows.length);
      yield some.map((values): FileEntry => {
        const line = ++row;
        try {
          return { line, json: read(values, line) };
        } catch (error) {
          if (error instanceof RecordError) return { line, error };
          throw error;
        }
      });
    }
  }
}

/** The text of the file as UTF-8. */
async function* utf8Chunks(
  path: string,
  given: TextEncoding | undefined,
  onRead: ((bytes: number) => void) | undefined,
): AsyncGenerator<Buffer> {
  const feed = new ByteFeed(fileChunks(path, onRead));
  const writer = new Utf8Writer(encodingOf(await feed.peek(4), given));
  for await (const chunk of feed.rest()) yield writer.write(chunk);
  yield writer.end();
}

async function* linesOf(text: ByteFeed, splitter: Splitter): AsyncGenerator<readonly Line[]> {
  for await (const chunk of text.rest()) {
    const lines = splitter.split(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last.length > 0) yield last;
}

async function* jsonEntries(
  path: string,
  text: ByteFeed,
  recordBytesMax: number,
): AsyncGenerator<readonly FileEntry[]> {
  if (!isCutByValues(await text.peek(HEAD_BYTES))) {
    for await (const lines of linesOf(text, new LineSplitter(recordBytesMax))) {
      yield lines.flatMap((line) => jsonEntry(line, recordBytesMax));
    }
    return;
  }
  const values = new JsonValues(recordBytesMax);
  for await (const lines of linesOf(text, values)) yield lines.flatMap((line) => jsonEntry(line, recordBytesMax));
  if (values.openList === null) return;
  const message = `${path} is cut off: the list of events that begins in line ${values.openList} does not end`;
  throw new FatalError('TRG_FILE_UNREADABLE', message, { file: path });
}

/** Where two writers, or one that was cut off, left out a line end. */
const JOINT = Buffer.from('}{');

function jsonEntry({ line, index, bytes, error }: Line, recordBytesMax: number): FileEntry | FileEntry[] {
  const place = { line, ...(index !== undefined && { index }) };
  if (bytes === null) return { ...place, error: error ?? tooLarge(recordBytesMax) };
  if (!isUtf8(bytes)) return { ...place, error: notUtf8(bytes) };
  if (index === undefined && bytes.includes(0)) return aroundHoles(line, bytes, recordBytesMax);
  if (index !== undefined || bytes.indexOf(JOINT) === -1) return { ...place, bytes };
  const values = new JsonValues(recordBytesMax);
  const found = [...values.split(bytes), ...values.end()];
  if (found.length < 2) return { line, bytes };
  return found.flatMap((value) => jsonEntry({ ...value, line }, recordBytesMax));
}

/** A hole of zeros in a line costs what it has overwritten, and nothing on its two sides. */
function aroundHoles(line: number, bytes: Buffer, recordBytesMax: number): FileEntry[] {
  const parts = bytes
    .toString('utf8')
    .split(/(\0+)/)
    .filter((part) => part !== '');
  return parts.flatMap((part, index) => {
    if (part.startsWith('\0'))
      return { line, error: malformed(`${part.length} zero bytes stand here: the file has a hole`) };
    return jsonEntry({ line, index, bytes: Buffer.from(part) }, recordBytesMax);
  });
}

async function* csvEntries(
  path: string,
  text: ByteFeed,
  mapping: CsvMapping,
  recordBytesMax: number,
): AsyncGenerator<readonly FileEntry[]> {
  const lineEnd = lineEndOf(await text.peek(HEAD_BYTES));
  const records = new CsvRecords({ recordBytesMax, delimiter: mapping.delimiter });
  const rows = new Rows(path, mapping);
  for await (const lines of linesOf(text, new LineSplitter(recordBytesMax, { lineEnd, keepBlank: true }))) {
    yield rows.entries(records.read(lines));
  }
  const rest = rows.entries(records.end());
  rows.end();
  if (rest.length > 0) yield rest;
}

/** The first record is the header; the others are rows. */
class Rows {
  readonly #path: string;
  readonly #mapping: CsvMapping;
  #read: RowReader | null = null;
  #row = 0;

  constructor(path: string, mapping: CsvMapping) {
    this.#path = path;
    this.#mapping = mapping;
  }

  entries(records: readonly CsvRecord[]): readonly FileEntry[] {
    const entries: FileEntry[] = [];
    for (const { line, fields } of records) {
      if (this.#read === null) this.#read = this.#header(fields);
      else entries.push(this.#entry(line, fields, this.#read));
    }
    return entries;
  }

  end(): void {
    if (this.#read === null) throw new FatalError('TRG_FILE_UNREADABLE', `${this.#path} has no header line`);
  }

  #header(fields: CsvRecord['fields']): RowReader {
    if (fields instanceof RecordError) {
      throw new FatalError('TRG_FILE_UNREADABLE', `the header of ${this.#path} cannot be read`, {}, fields);
    }
    return rowReader(this.#mapping, fields, this.#path);
  }

  #entry(line: number, fields: CsvRecord['fields'], read: RowReader): FileEntry {
    this.#row++;
    if (fields instanceof RecordError) return { line, error: fields };
    try {
      return { line, json: read(fields, this.#row) };
    } catch (error) {
      if (error instanceof RecordError) return { line, error };
      throw error;
    }
  }
}
