// The records of all sources of a backtest, in the order in which it replays them.
//
// Owns: the choice between a file's order and event time, merging, the period. Does not own: reading a source (replay-source.ts).
//
// Invariants:
//   I1. A file in order of arrival is replayed in that order; one that is not (a table exported by user, say) is replayed
//       by event time, ties in the file's order: otherwise one user's rows would push time past everybody else's.
//   I2. Every line is a record or a refused line (docs/design.md, I6).
//   I3. Of several sources the one whose newest event so far is the oldest goes on, ties in the order in which they were named. So
//       each keeps its own order, and nobody's event comes later than it does in its own source.

import { ExternalSort } from '../../lib/external-sort.ts';
import { type EventTimeBounds, implausibleTime } from '../../processors/intake/event-time.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { merged, Sequence } from './merge.ts';
import type { InputRun, RefusedPlace, ReplaySource, SourcePage } from './replay-source.ts';

export type InputOrder = 'arrival' | 'time';

export interface InputOptions {
  /** At least one. */
  readonly sources: readonly ReplaySource[];
  /** Of files. `auto`: by time when the beginning of the file shows that it is not in order of arrival. */
  readonly order: InputOrder | 'auto';
  readonly outOfOrdernessMs: number;
  /** Event times to replay: from (inclusive) to (exclusive), ms. */
  readonly from: number;
  readonly to: number;
  /** Times that no event can have put nothing in order; left out: any may. */
  readonly eventTime?: EventTimeBounds | undefined;
  /** Told how far it is, with every batch. */
  readonly onProgress?: ((progress: InputProgress) => void) | undefined;
}

export interface InputProgress {
  /** `sorting` reads all of what it sorts before the first record comes out of it. */
  readonly what: 'reading' | 'sorting' | 'replaying';
  /** Bytes of the sources; of `replaying`, lines. */
  readonly done: number;
  readonly total: number;
  readonly lines: number;
}

/** A line that could not be read as a record at all. */
export interface RefusedLine extends RefusedPlace {
  readonly input: number;
}

export interface InputBatch {
  readonly runs: readonly InputRun[];
  readonly refused: readonly RefusedLine[];
}

/** Lines looked at before the order is chosen, of all files together; but of each file so many at least. */
const PROBE_LINES = 50_000;
const PROBE_LINES_MIN = 1_000;
/** More of the lines than this behind the newest one by more than outOfOrderness: no order of arrival. */
const BEHIND_SHARE = 1 / 3;
const BATCH = 1_000;

/** What a look at the beginning of a source showed. */
interface Probed {
  readonly input: number;
  readonly order: InputOrder;
  /** Event time of the first record, ms; -Infinity: it has none. */
  readonly first: number;
  /** From the beginning on. */
  readonly pages: () => AsyncGenerator<SourcePage>;
}

export class BacktestInput {
  readonly #options: InputOptions;
  /** `time` where a file had to be put in order. Known once the first batch was taken. */
  order: InputOrder = 'arrival';
  /** Records left out because of `from` and `to`. */
  skipped = 0;
  /** By source. */
  readonly #read: number[];
  #lines = 0;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#read = options.sources.map(() => 0);
  }

  async *batches(): AsyncGenerator<InputBatch> {
    const { sources } = this.#options;
    const probed: Probed[] = [];
    for (const input of sources.keys()) probed.push(await this.#probe(input));
    const unsorted = probed.filter(({ order }) => order === 'time');
    this.order = unsorted.length > 0 ? 'time' : 'arrival';
    if (sources.length === 1 && unsorted.length === 0) {
      yield* this.#asItStands(probed[0]!);
      return;
    }
    const sort = new ExternalSort();
    try {
      const sorted = yield* this.#sorted(unsorted, sort);
      if (unsorted.length === sources.length) yield* this.#replayed(sort, sorted);
      else yield* this.#merged(probed, sort);
    } finally {
      sort.close();
    }
  }

  /** How much of all sources was read, and how much there is. */
  #report(what: InputProgress['what']): void {
    let done = 0;
    let total = 0;
    for (const [input, source] of this.#options.sources.entries()) {
      done += this.#read[input]!;
      total += source.size;
    }
    this.#options.onProgress?.({ what, done, total, lines: this.#lines });
  }

  #took(input: number, { records, refused, done }: SourcePage, what: 'reading' | 'sorting'): void {
    this.#lines += records.length + refused.length;
    this.#read[input] = done;
    this.#report(what);
  }

  async *#asItStands({ input, pages }: Probed): AsyncGenerator<InputBatch> {
    for await (const page of pages()) {
      this.#took(input, page, 'reading');
      const records = page.records.filter((record) => this.#isInPeriod(input, record));
      yield { runs: [{ input, records }], refused: placed(input, page.refused) };
    }
  }

  /** Puts what is in no order of arrival in one order of event time; gives the number of records. */
  async *#sorted(unsorted: readonly Probed[], sort: ExternalSort): AsyncGenerator<InputBatch, number> {
    let sorted = 0;
    for (const { input, pages } of unsorted) {
      const source = this.#options.sources[input]!;
      for await (const page of pages()) {
        this.#took(input, page, 'sorting');
        for (const record of page.records) {
          if (!this.#isInPeriod(input, record)) continue;
          sorted++;
          // What has no readable time comes first; intake will say what is wrong with it.
          const time = String(source.timeOf(record) ?? 0).padStart(16, '0');
          sort.add(time, `${time} ${input} ${record.offset} ${Buffer.from(record.value!).toString('utf8')}`);
        }
        if (page.refused.length > 0) yield { runs: [], refused: placed(input, page.refused) };
      }
    }
    return sorted;
  }

  /** All of it was sorted. */
  *#replayed(sort: ExternalSort, total: number): Generator<InputBatch> {
    let lines = 0;
    for (const runs of sortedRuns(sort)) {
      for (const { records } of runs) lines += records.length;
      this.#options.onProgress?.({ what: 'replaying', done: lines, total, lines });
      yield { runs, refused: [] };
    }
  }

  async *#merged(probed: readonly Probed[], sort: ExternalSort): AsyncGenerator<InputBatch> {
    let refused: RefusedLine[] = [];
    const sequences = probed
      .filter(({ order }) => order === 'arrival')
      .map(({ input, first, pages }) => {
        const keysOf = this.#keysOf(input);
        const pagesOf = async function* (this: BacktestInput) {
          for await (const page of pages()) {
            this.#took(input, page, 'reading');
            refused.push(...placed(input, page.refused));
            const records = page.records.filter((record) => this.#isInPeriod(input, record));
            yield { records, keys: keysOf(records), inputs: null };
          }
        };
        return new Sequence(input, first, pagesOf.call(this));
      });
    if (this.order === 'time') sequences.push(new Sequence(probed.length, -Infinity, sortedPages(sort)));
    for await (const runs of merged(sequences, BATCH)) {
      yield { runs, refused };
      refused = [];
    }
    if (refused.length > 0) yield { runs: [], refused };
  }

  /** Of records of a source, one after the other: the newest time of an event up to there (I3). */
  #keysOf(input: number): (records: readonly LogRecord[]) => number[] {
    let newest = -Infinity;
    return (records) =>
      records.map((record) => {
        const time = this.#plausible(input, record);
        if (time !== null && time > newest) newest = time;
        return newest;
      });
  }

  #plausible(input: number, record: LogRecord): number | null {
    const { sources, eventTime } = this.#options;
    const time = sources[input]!.timeOf(record);
    if (time === null || (eventTime !== undefined && implausibleTime(time, eventTime) !== null)) return null;
    return time;
  }

  async #probe(input: number): Promise<Probed> {
    const { sources, order } = this.#options;
    const source = sources[input]!;
    const isFile = source.kind === 'file';
    const isChosen = isFile && order !== 'auto';
    // What begins first is asked only where there is more than one.
    if (isChosen && (sources.length === 1 || order === 'time')) {
      return { input, order, first: -Infinity, pages: () => source.pages() };
    }
    const linesMax = isFile ? Math.max(PROBE_LINES_MIN, PROBE_LINES / sources.length) : 1;
    const pages = source.pages();
    const looked: SourcePage[] = [];
    for (let lines = 0; lines < linesMax; ) {
      const { value, done } = await pages.next();
      if (done === true) break;
      looked.push(value);
      lines += value.records.length + value.refused.length;
    }
    const times = looked.flatMap(({ records }) => records.map((record) => this.#plausible(input, record)));
    const first = times[0] ?? -Infinity;
    const found = isFile && !isChosen ? this.#orderOf(times) : 'arrival';
    // Of many files most are closed again until their time comes: those of a year, a day each.
    if (sources.length > 1 && source.isReopenable) {
      await pages.return(undefined);
      return { input, order: found, first, pages: () => source.pages() };
    }
    return { input, order: found, first, pages: () => chain(looked, pages) };
  }

  #orderOf(times: readonly (number | null)[]): InputOrder {
    let newest = -Infinity;
    let timed = 0;
    let behind = 0;
    for (const time of times) {
      if (time === null) continue;
      timed++;
      if (time < newest - this.#options.outOfOrdernessMs) behind++;
      if (time > newest) newest = time;
    }
    return behind > timed * BEHIND_SHARE ? 'time' : 'arrival';
  }

  #isInPeriod(input: number, record: LogRecord): boolean {
    const { sources, from, to } = this.#options;
    if (from === -Infinity && to === Infinity) return true;
    const time = sources[input]!.timeOf(record);
    // What has no readable time is for intake to refuse.
    if (time === null || (time >= from && time < to)) return true;
    this.skipped++;
    return false;
  }
}

function placed(input: number, refused: readonly RefusedPlace[]): RefusedLine[] {
  return refused.map((each) => ({ ...each, input }));
}

async function* chain<Item>(first: readonly Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* first;
  yield* rest;
}

interface SortedRecord {
  readonly time: number;
  readonly input: number;
  readonly record: LogRecord;
}

function* sortedRecords(sort: ExternalSort): Generator<SortedRecord> {
  for (const line of sort.sorted()) {
    const afterTime = line.indexOf(' ');
    const afterInput = line.indexOf(' ', afterTime + 1);
    const afterOffset = line.indexOf(' ', afterInput + 1);
    yield {
      time: Number(line.slice(0, afterTime)),
      input: Number(line.slice(afterTime + 1, afterInput)),
      record: {
        offset: Number(line.slice(afterInput + 1, afterOffset)),
        timestamp: -1,
        key: null,
        value: Buffer.from(line.slice(afterOffset + 1)),
        headers: [],
      },
    };
  }
}

/** Some BATCH records at a time, as runs of one source. */
function* sortedRuns(sort: ExternalSort): Generator<readonly InputRun[]> {
  let runs: { input: number; records: LogRecord[] }[] = [];
  let taken = 0;
  for (const { input, record } of sortedRecords(sort)) {
    const last = runs.at(-1);
    if (last?.input === input) last.records.push(record);
    else runs.push({ input, records: [record] });
    if (++taken % BATCH !== 0) continue;
    yield runs;
    runs = [];
  }
  if (runs.length > 0) yield runs;
}

async function* sortedPages(sort: ExternalSort) {
  let page: SortedRecord[] = [];
  const asPage = () => ({
    records: page.map(({ record }) => record),
    keys: page.map(({ time }) => time),
    inputs: page.map(({ input }) => input),
  });
  for (const each of sortedRecords(sort)) {
    page.push(each);
    if (page.length < BATCH) continue;
    yield asPage();
    page = [];
  }
  yield asPage();
}
