// Lines of a CSV file to its records, so that one malformed row costs only itself.
//
// Owns: which lines belong to one record, the number of columns. Does not own: quoting rules (csv-parse), meaning
// (csv-event.ts).
//
// csv-parse as a stream would lose the rows after a stray quote; here it is given records that are already apart.
//
// Invariants:
//   V1. A record that cannot be read is an error at its first line, and reading goes on at the very next line.
//   V2. A quoted field spans at most RECORD_LINES_MAX lines: a quote that is never closed costs no more than one row.

import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { RecordError } from '../../../lib/errors.ts';
import type { Line } from './line-splitter.ts';
import { notUtf8, tooLarge } from './refused.ts';

const RECORD_LINES_MAX = 1_000;

export interface CsvRecord {
  /** Where it begins in the file, from 1. */
  readonly line: number;
  /** The fields, as many as the header has; or why there are none. */
  readonly fields: readonly string[] | RecordError;
}

interface TextLine {
  readonly line: number;
  readonly text: string;
}

export interface CsvRecordsOptions {
  readonly recordBytesMax: number;
  /** One character between fields; left out: what the first line names as Excel does (`sep=;`), or a comma. */
  readonly delimiter?: string | undefined;
}

export class CsvRecords {
  readonly #recordBytesMax: number;
  #delimiter: string;
  /** Number of fields of the header; null before it was read. */
  #columns: number | null = null;
  /** Lines of a record whose closing quote was not seen yet. */
  #open: TextLine[] = [];
  #openBytes = 0;

  constructor({ recordBytesMax, delimiter = ',' }: CsvRecordsOptions) {
    this.#recordBytesMax = recordBytesMax;
    this.#delimiter = delimiter;
  }

  /** The records that are complete with these lines; the first record of a file is its header. */
  read(lines: readonly Line[]): CsvRecord[] {
    const found: (CsvRecord | TextLine)[] = [];
    for (const { line, bytes, error } of lines) {
      if (bytes === null) {
        while (this.#open.length > 0) this.#giveUp(found);
        found.push({ line, fields: error ?? tooLarge(this.#recordBytesMax) });
      } else if (!isUtf8(bytes)) {
        while (this.#open.length > 0) this.#giveUp(found);
        found.push({ line, fields: notUtf8(bytes) });
      } else if (line > 1 || !this.#namesDelimiter(bytes)) this.#add({ line, text: bytes.toString('utf8') }, found);
    }
    return this.#parsed(found);
  }

  /** What is left at the end of the file. */
  end(): CsvRecord[] {
    const found: (CsvRecord | TextLine)[] = [];
    while (this.#open.length > 0) this.#giveUp(found);
    return this.#parsed(found);
  }

  /** A line that Excel writes and reads before the header. */
  #namesDelimiter(bytes: Buffer): boolean {
    const delimiter = /^"?sep=(.)"?$/i.exec(bytes.toString('utf8'))?.[1];
    if (delimiter !== undefined) this.#delimiter = delimiter;
    return delimiter !== undefined;
  }

  #add(line: TextLine, found: (CsvRecord | TextLine)[]): void {
    if (this.#open.length === 0 && isBlank(line.text, this.#delimiter)) return;
    const closes = hasOddQuotes(line.text);
    if (this.#open.length === 0 && !closes) {
      found.push(line);
      return;
    }
    this.#open.push(line);
    this.#openBytes += line.text.length + 1;
    if (closes && this.#open.length > 1) this.#close(found);
    else if (this.#open.length > RECORD_LINES_MAX || this.#openBytes > this.#recordBytesMax) this.#giveUp(found);
  }

  #close(found: (CsvRecord | TextLine)[]): void {
    const first = this.#open[0]!;
    const fields = this.#checked(parseOne(this.#open.map((line) => line.text).join('\n'), this.#delimiter));
    if (fields instanceof RecordError) this.#giveUp(found);
    else {
      this.#open = [];
      this.#openBytes = 0;
      found.push({ line: first.line, fields });
    }
  }

  /** The first open line is not the beginning of a record after all; the others may be records of their own (V1). */
  #giveUp(found: (CsvRecord | TextLine)[]): void {
    const [first, ...rest] = this.#open;
    if (first === undefined) return;
    this.#open = [];
    this.#openBytes = 0;
    found.push({ line: first.line, fields: invalid('a quote in the row is not closed, or stands in the wrong place') });
    for (const line of rest) this.#add(line, found);
  }

  #parsed(found: readonly (CsvRecord | TextLine)[]): CsvRecord[] {
    const quoted = found.filter((record): record is TextLine => 'text' in record && record.text.includes('"'));
    const parsed = parseMany(
      quoted.map((record) => record.text),
      this.#delimiter,
    );
    let next = 0;
    return found.map((record) => {
      if ('fields' in record) return record;
      const fields = record.text.includes('"') ? parsed[next++]! : record.text.split(this.#delimiter);
      return { line: record.line, fields: this.#checked(fields) };
    });
  }

  #checked(fields: readonly string[] | RecordError): readonly string[] | RecordError {
    if (fields instanceof RecordError) return fields;
    this.#columns ??= fields.length;
    if (fields.length === this.#columns) return fields;
    return invalid(`the row has ${fields.length} columns, the header has ${this.#columns}`);
  }
}

/** What ends the lines of a file that begins so: a carriage return alone, if that is the first line end outside of quotes. */
export function lineEndOf(head: Buffer): 'lf' | 'cr' {
  let isQuoted = false;
  for (const [at, byte] of head.entries()) {
    if (byte === 0x22) isQuoted = !isQuoted;
    else if (!isQuoted && byte === 0x0a) return 'lf';
    else if (!isQuoted && byte === 0x0d && at + 1 < head.length) return head[at + 1] === 0x0a ? 'lf' : 'cr';
  }
  return 'lf';
}

/** Spaces and tabs alone are no row, but where they stand between fields. */
function isBlank(text: string, delimiter: string): boolean {
  return delimiter === '\t' || delimiter === ' ' ? text === '' : text.trim() === '';
}

/** Quotes inside a quoted field are doubled, so the number is odd exactly when a field goes on in the next line. */
function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/** In one go, and one by one when something among them is wrong. */
function parseMany(texts: readonly string[], delimiter: string): readonly (readonly string[] | RecordError)[] {
  if (texts.length === 0) return [];
  try {
    const rows = parseText(texts.join('\n'), delimiter);
    if (rows.length === texts.length) return rows;
  } catch {
    // Which one it is, parsing one by one tells.
  }
  return texts.map((text) => parseOne(text, delimiter));
}

function parseOne(text: string, delimiter: string): readonly string[] | RecordError {
  try {
    const rows = parseText(text, delimiter);
    return rows.length === 1 ? rows[0]! : invalid('a quote stands in the wrong place');
  } catch {
    // The library's message quotes the row, which is somebody's data.
    return invalid('a quote stands in the wrong place');
  }
}

function parseText(text: string, delimiter: string): string[][] {
  return parse(text, { delimiter, relax_column_count: true, record_delimiter: '\n' });
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_UNREADABLE', message);
}
