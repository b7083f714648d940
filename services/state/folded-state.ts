// The state of a task as its changelog has it, without touching the task's own database, which a worker may have open.
//
// Invariants:
//   I5 (docs/design.md). The fold of the changelog is the live state, as of the log's last commit.
//   F1. Memory does not grow with the number of documents: they are folded into a database in a temporary folder (I8).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentSpec, KeyValueStore } from '../../state/store/api.ts';
import { documentKey, documentRange, dueRange, readDocumentKey, readDueKey } from '../../state/store/key-codec.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { applyChangelog } from '../../state/store/restore.ts';
import { type StoredDocument, storedDocument } from '../../state/store/stored-document.ts';
import type { Log, TopicPartition } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import type { Pause } from '../operation.ts';

/** Rows read at a time: with documents of some KB each, about a megabyte. */
const PAGE_ROWS = 256;

export interface StateSize {
  readonly documents: number;
  /** Of all documents, as stored. */
  readonly bytes: number;
  readonly due: number;
  /** Ms; Infinity: none is due ever. */
  readonly earliestDue: number;
}

export interface FoldedState {
  readonly store: KeyValueStore;
  /** Closes the store and deletes its folder. */
  close(): Promise<void>;
}

/** Folds the changelog into a store of its own. Throws what `pause` throws, which is called after each page. */
export async function foldState(log: Log, changelog: TopicPartition, pause: Pause): Promise<FoldedState> {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-state-'));
  let store: LevelStore | undefined;
  const close = async (): Promise<void> => {
    await store?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    store = await LevelStore.open(folder);
    for await (const records of readPartition(log, changelog)) {
      await applyChangelog(store, records, []);
      await pause();
    }
    return { store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One document of the changelog; undefined when there is none of this key. */
export async function foldDocument<Doc>(
  log: Log,
  changelog: TopicPartition,
  spec: DocumentSpec<Doc>,
  key: string,
  pause: Pause,
): Promise<StoredDocument<Doc> | undefined> {
  const store = new MemoryStore();
  const wanted = Buffer.from(key);
  for await (const records of readPartition(log, changelog)) {
    const own = records.filter((record) => record.key !== null && wanted.equals(record.key));
    if (own.length > 0) await applyChangelog(store, own, []);
    await pause();
  }
  const value = store.get(documentKey(key));
  return value === undefined ? undefined : storedDocument(spec, key, value);
}

/** Every document, in order of key. */
export async function* documentsOf<Doc>(
  store: KeyValueStore,
  spec: DocumentSpec<Doc>,
): AsyncGenerator<StoredDocument<Doc>> {
  for await (const { key, value } of rows(store, documentRange))
    yield storedDocument(spec, readDocumentKey(key), value);
}

/** Counts without decoding a document. */
export async function sizeOf(store: KeyValueStore): Promise<StateSize> {
  let documents = 0;
  let bytes = 0;
  for await (const { value } of rows(store, documentRange)) {
    documents++;
    bytes += value.length;
  }
  let due = 0;
  let earliestDue = Infinity;
  for await (const { key } of rows(store, dueRange)) {
    if (due++ === 0) earliestDue = readDueKey(key).due;
  }
  return { documents, bytes, due, earliestDue };
}

async function* rows(store: KeyValueStore, rangeAfter: typeof documentRange) {
  for (let after: Uint8Array | undefined; ; ) {
    const { from, to } = rangeAfter(after);
    const page = await store.range(from, to, PAGE_ROWS);
    yield* page;
    if (page.length < PAGE_ROWS) return;
    after = page.at(-1)!.key;
  }
}
