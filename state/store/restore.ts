// Rebuilds documents and their due rows from changelog records.
//
// Invariants:
//   S1. Restored state = fold of the changelog = live state (I5): after the last record the store holds, for each key,
//       its latest value and exactly one due row if it is due.

import { utf8Text } from '../../lib/bytes.ts';
import type { KeyValueStore, StoreWrite } from './api.ts';
import { documentKey, moveDueRow } from './key-codec.ts';
import { KeyFilter } from './key-filter.ts';
import { dueOf } from './stored-document.ts';

/** A changelog record: the document's key and its stored value, null: deleted. */
export interface ChangelogRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Folds a changelog into a store: the next records are worked on while those before are being written. */
export class ChangelogFold {
  readonly #store: KeyValueStore;
  /** The keys that were folded, where the store was empty before; null: any may be there. */
  readonly #filter: KeyFilter | null;
  /** What is being written, which the store need not have yet. */
  #pending: ReadonlyMap<string, Uint8Array | null> = new Map();
  #writing: Promise<void> = Promise.resolve();

  /** `isEmpty`: the store has no documents. */
  constructor(store: KeyValueStore, isEmpty: boolean) {
    this.#store = store;
    this.#filter = isEmpty ? new KeyFilter() : null;
  }

  /**
   * Folds records, in their order; `notes` are written in the same batch. Resolves when all before these are in the store;
   * throws what writing them threw.
   */
  async apply(records: readonly ChangelogRecord[], notes: readonly StoreWrite[]): Promise<void> {
    const latest = new Map<string, Uint8Array | null>();
    const writes: StoreWrite[] = [];
    const isThere = new Set<string>();
    for (const { key: bytes, value } of records) {
      if (bytes === null) continue;
      const key = utf8Text(bytes);
      if (this.#filter?.note(bytes) !== false && !latest.has(key)) isThere.add(key);
      latest.set(key, value);
    }
    for (const [key, value] of latest) {
      const row = documentKey(key);
      const before = isThere.has(key) ? this.#before(key, row) : null;
      const dueBefore = before === null ? Infinity : dueOf(before);
      const due = value === null ? Infinity : dueOf(value);
      if (value !== null || before !== null) writes.push({ key: row, value });
      moveDueRow(writes, row, dueBefore, due);
    }
    await this.#writing;
    this.#pending = latest;
    this.#writing = this.#store.write([...writes, ...notes]);
    // Met again by whoever waits for it.
    this.#writing.catch(() => {});
  }

  /** Resolves when all is in the store; throws what writing it threw. */
  async done(): Promise<void> {
    await this.#writing;
  }

  #before(key: string, row: Uint8Array): Uint8Array | null {
    const pending = this.#pending.get(key);
    return pending === undefined ? (this.#store.get(row) ?? null) : pending;
  }
}

/** Folds records into a store that may have some already, and waits until they are there. */
export async function applyChangelog(
  store: KeyValueStore,
  records: readonly ChangelogRecord[],
  notes: readonly StoreWrite[],
): Promise<void> {
  const fold = new ChangelogFold(store, false);
  await fold.apply(records, notes);
  await fold.done();
}
