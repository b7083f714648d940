// Rebuilds documents and their due rows from changelog records.
//
// Invariants:
//   S1. Restored state = fold of the changelog = live state (I5): after the last record the store holds, for each key,
//       its latest value and exactly one due row if it is due.

import { utf8Text } from '../lib/bytes.ts';
import type { KeyValueStore, StoreWrite } from './api.ts';
import { dueOf } from './document-store.ts';
import { documentKey, dueKey } from './key-codec.ts';

/** A changelog record: the document's key and its stored value, null: deleted. */
export interface ChangelogRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Folds records, in their order, into the store; `notes` are written in the same batch. */
export async function applyChangelog(
  store: KeyValueStore,
  records: readonly ChangelogRecord[],
  notes: readonly StoreWrite[],
): Promise<void> {
  const latest = new Map<string, Uint8Array | null>();
  for (const { key, value } of records) {
    if (key !== null) latest.set(utf8Text(key), value);
  }
  const writes: StoreWrite[] = [];
  for (const [key, value] of latest) {
    const row = documentKey(key);
    const before = store.get(row);
    const dueBefore = before === undefined ? Infinity : dueOf(before);
    const due = value === null ? Infinity : dueOf(value);
    if (value !== null || before !== undefined) writes.push({ key: row, value });
    if (dueBefore === due) continue;
    if (dueBefore !== Infinity) writes.push({ key: dueKey(dueBefore, key), value: null });
    if (due !== Infinity) writes.push({ key: dueKey(due, key), value: new Uint8Array(0) });
  }
  await store.write([...writes, ...notes]);
}
