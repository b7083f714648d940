// What is remembered: an ordered key-value store below, documents with a due time above.
//
// Owns: interfaces only. memory-store.ts and level-store.ts implement KeyValueStore (contract: test/contract/store.suite.ts);
// document-store.ts implements DocumentStore on either.

import type { AvroReader, AvroWriter } from '../../schemas/avro-bytes.ts';

/** One change of a batch; a null value deletes. An empty one is refused: each would cost LevelDB's binding 32 bytes for good. */
export interface StoreWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export interface StoreEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Bytes by bytes, ordered by key (unsigned, lexicographic). */
export interface KeyValueStore {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Up to `limit` entries with `from <= key < to`, in order. */
  range(from: Uint8Array, to: Uint8Array, limit: number): Promise<readonly StoreEntry[]>;
  /** All of it or nothing, also after a crash; not necessarily on disk: the changelog is what lasts. */
  write(batch: readonly StoreWrite[]): Promise<void>;
  /** Deletes everything. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** How a store's documents become bytes, and when they want attention. */
export interface DocumentSpec<Doc> {
  encode(doc: Doc, out: AvroWriter): void;
  /** Views of the reader's bytes may stay in the document: they are not changed. */
  decode(input: AvroReader): Doc;
  /** When the owning processor's `due` is to be called, ms; Infinity: never. */
  dueAt(doc: Doc): number;
  /** Which clock passes dueAt: event times (replayable) or wall time (connectors). */
  readonly dueBy: 'stream-time' | 'wall-time';
}

/** One document per key, with a write-back cache over a KeyValueStore. Reads see the task's own writes at once. */
export interface DocumentStore<Doc> {
  get(key: string): Doc | undefined;
  /** Keeps the document (the object itself, which may go on being changed until the next put). */
  put(key: string, doc: Doc): void;
  delete(key: string): void;
}
