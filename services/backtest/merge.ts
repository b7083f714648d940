// Merges sequences of records by a key that does not fall within any of them.
//
// Invariants:
//   M1. The least key goes first, ties by rank: the result does not depend on how a sequence is cut into pages.
//   M2. A sequence is opened when its turn comes, and memory holds one page of each that is open.

import type { LogRecord } from '../../schemas/record.ts';
import type { InputRun } from './replay-source.ts';

export interface KeyedPage {
  readonly records: readonly LogRecord[];
  /** Of each record; never less than the one before it. */
  readonly keys: readonly number[];
  /** Of each record: its source; null: all are of the sequence's own. */
  readonly inputs: readonly number[] | null;
}

export class Sequence {
  readonly rank: number;
  /** Of the record that comes next; before the first page was taken, what is known of it. */
  key: number;
  readonly #pages: AsyncGenerator<KeyedPage>;
  #page: KeyedPage = { records: [], keys: [], inputs: null };
  #next = 0;

  /** `first`: no more than the key of its first record. `rank`: also the input of its records, where pages do not say. */
  constructor(rank: number, first: number, pages: AsyncGenerator<KeyedPage>) {
    this.rank = rank;
    this.key = first;
    this.#pages = pages;
  }

  /** Whether the next record is at hand. */
  get isReady(): boolean {
    return this.#next < this.#page.records.length;
  }

  /** Has the next record at hand, and its key; false: there is none any more. */
  async fill(): Promise<boolean> {
    while (!this.isReady) {
      const { value, done } = await this.#pages.next();
      if (done === true) return false;
      this.#page = value;
      this.#next = 0;
    }
    this.key = this.#page.keys[this.#next]!;
    return true;
  }

  /** Adds records to `runs` while they come before `other`, at most `most`; the number of them. */
  take(runs: { input: number; records: LogRecord[] }[], other: Sequence | undefined, most: number): number {
    const { records, keys, inputs } = this.#page;
    let taken = 0;
    while (taken < most && this.isReady) {
      this.key = keys[this.#next]!;
      if (other !== undefined && isBefore(other, this)) break;
      const input = inputs === null ? this.rank : inputs[this.#next]!;
      const last = runs.at(-1);
      const record = records[this.#next++]!;
      if (last?.input === input) last.records.push(record);
      else runs.push({ input, records: [record] });
      taken++;
    }
    if (this.isReady) this.key = keys[this.#next]!;
    return taken;
  }

  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }
}

/** Batches of `batch` records, as runs of one source. */
export async function* merged(sequences: readonly Sequence[], batch: number): AsyncGenerator<readonly InputRun[]> {
  const waiting = [...sequences].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  let runs: { input: number; records: LogRecord[] }[] = [];
  let taken = 0;
  try {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if (first.isReady) taken += first.take(runs, waiting[1], batch - taken);
      if (!first.isReady && !(await first.fill())) waiting.shift();
      else sink(waiting);
      if (taken < batch) continue;
      yield runs;
      runs = [];
      taken = 0;
    }
    yield runs;
  } finally {
    for (const sequence of sequences) await sequence.close();
  }
}

/** Brings the first to its place; the others are in order. */
function sink(waiting: Sequence[]): void {
  const first = waiting[0]!;
  let at = 0;
  while (at + 1 < waiting.length && isBefore(waiting[at + 1]!, first)) {
    waiting[at] = waiting[at + 1]!;
    at++;
  }
  waiting[at] = first;
}

function isBefore(a: Sequence, b: Sequence): boolean {
  return a.key < b.key || (a.key === b.key && a.rank < b.rank);
}
