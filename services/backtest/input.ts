// The events of a file as the records a backtest replays, in the order in which it replays them.
//
// Owns: the choice between the file's order and event time, the period. Does not own: reading files (connectors/sources/files).
//
// Invariants:
//   I1. A file in order of arrival is replayed in that order; one that is not (a table exported by user, say) is replayed
//       by event time, ties in the file's order: otherwise one user's rows would push time past everybody else's.
//   I2. Every line is a record or a refused line (docs/design.md, I6).

import { statSync } from 'node:fs';
import { type FileEntry, readEvents } from '../../connectors/sources/files/index.ts';
import type { RecordError } from '../../lib/errors.ts';
import { ExternalSort } from '../../lib/external-sort.ts';
import { parseInstant } from '../../lib/instant.ts';
import type { TextEncoding } from '../../lib/text-encoding.ts';
import type { LogRecord } from '../../schemas/record.ts';

export type InputOrder = 'arrival' | 'time';

export interface InputOptions {
  readonly file: string;
  readonly mapping?: string | undefined;
  readonly encoding?: TextEncoding | undefined;
  readonly recordBytesMax: number;
  /** `auto`: by time when the beginning of the file shows that it is not in order of arrival. */
  readonly order: InputOrder | 'auto';
  readonly outOfOrdernessMs: number;
  /** Event times to replay: from (inclusive) to (exclusive), ms. */
  readonly from: number;
  readonly to: number;
  /** Told how far it is, with every batch. */
  readonly onProgress?: ((progress: InputProgress) => void) | undefined;
}

export interface InputProgress {
  /** `sorting` reads all of the file before the first record comes out of it. */
  readonly what: 'reading' | 'sorting' | 'replaying';
  /** Bytes of the file; of `replaying`, lines. */
  readonly done: number;
  readonly total: number;
  readonly lines: number;
}

interface FileBatch {
  readonly entries: readonly FileEntry[];
  /** How much of the file had been read then, bytes. */
  readonly end: number;
}

/** A line that could not be read as a record at all. */
export interface RefusedLine {
  readonly line: number;
  readonly error: RecordError;
}

export interface InputBatch {
  readonly records: readonly LogRecord[];
  readonly refused: readonly RefusedLine[];
}

/** Lines looked at before the order is chosen. */
const PROBE_LINES = 50_000;
/** More of the lines than this behind the newest one by more than outOfOrderness: no order of arrival. */
const BEHIND_SHARE = 1 / 3;
const BATCH = 1_000;
/** More lines than a file has; times VALUES_OF_LINE_MAX, the numbers stay whole. */
const LINES_MAX = 2 ** 32;

export class BacktestInput {
  readonly #options: InputOptions;
  /** Known once the first batch was taken. */
  order: InputOrder = 'arrival';
  /** Lines left out because of `from` and `to`. */
  skipped = 0;
  #bytesRead = 0;
  #bytesTotal = 0;
  #linesRead = 0;

  constructor(options: InputOptions) {
    this.#options = options;
  }

  async *batches(): AsyncGenerator<InputBatch> {
    const { file, mapping, encoding, recordBytesMax } = this.#options;
    const onRead = (bytes: number): void => {
      this.#bytesRead += bytes;
    };
    const entries = readEvents(file, { mapping, encoding, recordBytesMax, onRead });
    this.#bytesTotal = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const batches = this.#placed(entries);
    const probe: FileBatch[] = [];
    let probed = 0;
    while (probed < PROBE_LINES) {
      const { value, done } = await batches.next();
      if (done) break;
      probe.push(value);
      probed += value.entries.length;
    }
    this.order = this.#options.order === 'auto' ? this.#orderOf(probe) : this.#options.order;
    const all = chain(probe, batches);
    yield* this.order === 'time' ? this.#byTime(all) : this.#byArrival(all);
  }

  /** What is looked at beforehand to choose the order is not replayed yet: each batch keeps its place. */
  async *#placed(entries: AsyncIterable<readonly FileEntry[]>): AsyncGenerator<FileBatch> {
    for await (const some of entries) yield { entries: some, end: this.#bytesRead };
  }

  async *#byArrival(batches: AsyncIterable<FileBatch>): AsyncGenerator<InputBatch> {
    for await (const { entries, end } of batches) {
      this.#report('reading', entries.length, end);
      const records: LogRecord[] = [];
      const refused: RefusedLine[] = [];
      for (const entry of entries) {
        if (entry.error !== undefined) refused.push({ line: entry.line, error: entry.error });
        else if (this.#isInPeriod(entry)) records.push(recordOf(offsetOf(entry), bytesOf(entry)));
      }
      yield { records, refused };
    }
  }

  async *#byTime(batches: AsyncIterable<FileBatch>): AsyncGenerator<InputBatch> {
    const sort = new ExternalSort();
    try {
      let sorted = 0;
      for await (const { entries, end } of batches) {
        this.#report('sorting', entries.length, end);
        const refused: RefusedLine[] = [];
        for (const entry of entries) {
          if (entry.error !== undefined) refused.push({ line: entry.line, error: entry.error });
          else if (this.#isInPeriod(entry)) {
            sorted++;
            // What has no readable time comes first; intake will say what is wrong with it.
            const time = timeOf(entry) ?? 0;
            sort.add(String(time).padStart(16, '0'), `${offsetOf(entry)} ${textOf(entry)}`);
          }
        }
        if (refused.length > 0) yield { records: [], refused };
      }
      let records: LogRecord[] = [];
      let taken = 0;
      for (const line of sort.sorted()) {
        const space = line.indexOf(' ');
        records.push(recordOf(Number(line.slice(0, space)), Buffer.from(line.slice(space + 1))));
        taken++;
        if (records.length < BATCH) continue;
        this.#options.onProgress?.({ what: 'replaying', done: taken, total: sorted, lines: taken });
        yield { records, refused: [] };
        records = [];
      }
      yield { records, refused: [] };
    } finally {
      sort.close();
    }
  }

  #report(what: 'reading' | 'sorting', lines: number, done: number): void {
    this.#linesRead += lines;
    this.#options.onProgress?.({ what, done, total: this.#bytesTotal, lines: this.#linesRead });
  }

  #orderOf(batches: readonly FileBatch[]): InputOrder {
    let newest = -Infinity;
    let timed = 0;
    let behind = 0;
    for (const { entries } of batches) {
      for (const entry of entries) {
        const time = entry.error === undefined ? timeOf(entry) : null;
        if (time === null) continue;
        timed++;
        if (time < newest - this.#options.outOfOrdernessMs) behind++;
        if (time > newest) newest = time;
      }
    }
    return behind > timed * BEHIND_SHARE ? 'time' : 'arrival';
  }

  #isInPeriod(entry: FileEntry): boolean {
    const { from, to } = this.#options;
    if (from === -Infinity && to === Infinity) return true;
    const time = timeOf(entry);
    // What has no readable time is for intake to refuse.
    if (time === null || (time >= from && time < to)) return true;
    this.skipped++;
    return false;
  }
}

async function* chain<Item>(first: readonly Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* first;
  yield* rest;
}

/** One event's own number: its line, and above that its place among several in the line. */
function offsetOf({ line, index = 0 }: FileEntry): number {
  return index * LINES_MAX + line;
}

/** The line of the file that a record is from. */
export function lineOf(offset: number): number {
  return offset % LINES_MAX;
}

/** A line of a file has no time of its own as a record: the event's timestamp counts. */
function recordOf(offset: number, value: Uint8Array): LogRecord {
  return { offset, timestamp: 0, key: null, value, headers: [] };
}

function bytesOf(entry: FileEntry): Uint8Array {
  return entry.bytes ?? Buffer.from(JSON.stringify(entry.json));
}

function textOf(entry: FileEntry): string {
  return entry.bytes === undefined ? JSON.stringify(entry.json) : Buffer.from(entry.bytes).toString('utf8');
}

/** Event time, ms; null when there is none to be read. */
function timeOf(entry: FileEntry): number | null {
  try {
    const json = entry.json ?? JSON.parse(textOf(entry));
    const { timestamp } = json as { timestamp?: unknown };
    const time = typeof timestamp === 'string' ? parseInstant(timestamp) : Number(timestamp ?? Number.NaN);
    return Number.isSafeInteger(time) && time >= 0 ? time : null;
  } catch {
    return null;
  }
}
