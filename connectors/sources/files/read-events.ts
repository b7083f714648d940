// Reads events from a file: JSON Lines or CSV, plain or packed (.gz, .zst), in batches and with bounded memory.
//
// Owns: which reader a file needs. Does not own: whether a message is valid (processors/intake/intake.ts).
//
// Invariants:
//   F1. Every line that is not blank is one entry: an event, or an error that names the line. Nothing is left out (I6).
//   F2. Entries come in the order of the file.
//   F3. The last line of a damaged file is not passed on, as it may be half of one.

import { FatalError, RecordError } from '../../../lib/errors.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { type RowReader, rowReader } from './csv-event.ts';
import { type CsvMapping, loadMapping } from './csv-mapping.ts';
import { type CsvRecord, CsvRecords, tooLarge } from './csv-records.ts';
import { fileChunks } from './file-chunks.ts';
import { type Line, LineSplitter } from './line-splitter.ts';

/** As limits.recordBytes: larger than any event should be. */
const RECORD_BYTES_MAX = 1_048_576;

/** Of `bytes` (a JSON line, not parsed), `json` (a CSV row as a message) and `error`, one is set. */
export interface FileEntry {
  /** Where it begins in the file, from 1. */
  readonly line: number;
  readonly bytes?: Uint8Array;
  readonly json?: JsonObject;
  readonly error?: RecordError;
}

export interface ReadEventsOptions {
  /** Path of the mapping file; needed for CSV, and makes the file one. */
  readonly mapping?: string | undefined;
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
  const lines = fileLines(path, recordBytesMax, options.onRead);
  if (options.mapping !== undefined) return csvEntries(path, lines, loadMapping(options.mapping), recordBytesMax);
  if (/\.csv(\.gz|\.zst)?$/i.test(path)) {
    throw new FatalError('TRG_USAGE', `${path} is CSV: a mapping file must say what its columns are (--mapping)`);
  }
  return jsonEntries(lines, recordBytesMax);
}

type Lines = AsyncIterable<readonly Line[]>;

async function* jsonEntries(file: Lines, recordBytesMax: number): AsyncGenerator<readonly FileEntry[]> {
  for await (const lines of file) {
    yield lines.map(({ line, bytes }) =>
      bytes === null ? { line, error: tooLarge(recordBytesMax) } : { line, bytes },
    );
  }
}

async function* csvEntries(
  path: string,
  file: Lines,
  mapping: CsvMapping,
  recordBytesMax: number,
): AsyncGenerator<readonly FileEntry[]> {
  const records = new CsvRecords(recordBytesMax);
  const rows = new Rows(path, mapping);
  for await (const lines of file) yield rows.entries(records.read(lines));
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

async function* fileLines(
  path: string,
  lineBytesMax: number,
  onRead: ((bytes: number) => void) | undefined,
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter(lineBytesMax);
  for await (const chunk of fileChunks(path, onRead)) {
    const lines = splitter.split(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last.length > 0) yield last;
}
