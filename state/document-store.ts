// Documents over a KeyValueStore: a write-back cache bounded in bytes, and the index of documents that are due.
//
// Owns: caching, dirty documents, due rows. Does not own: what a document means (DocumentSpec), when to commit (the task).
//
// Invariants:
//   D1. Reads see the task's own writes (put, delete) at once; the key-value store sees them only through flush().
//   D2. There is one index row a document that is due, in the same batch as the document.
//   D3. Memory is bounded: clean documents by `cacheBytes`, dirty ones by the owner, who commits when `dirtyBytes` says
//       so; of the due rows only the earliest DUE_ROWS_LOADED are in memory.
//   D4. Due documents come in the order of (due, key), whatever was flushed or evicted when.

import { assert } from '../lib/assert.ts';
import type { DocumentSpec, DocumentStore, KeyValueStore, StoreWrite } from './api.ts';
import { compareDue, DueHeap } from './due-heap.ts';
import { documentKey, dueKey, dueRange, readDueKey } from './key-codec.ts';

/** Index rows read ahead at a time: some 100 bytes each, and rare enough reads. */
const DUE_ROWS_LOADED = 4_096;
/** A decoded document takes about this much more heap than its bytes, measured on entity documents. */
const HEAP_PER_BYTE = 4;
const HEAP_OVERHEAD = 700;
/** For a document that was never encoded: measured on entities with one to five rules at work. */
const HEAP_NEW = 2_500;
/** Before the document's own bytes, its due time as a float64, so that a restore need not decode documents. */
const DUE_BYTES = 8;

const NO_BYTES = new Uint8Array(0);

interface Entry<Doc> {
  doc: Doc | undefined;
  due: number;
  /** As the key-value store has it: whether it is there, and when it is due there. */
  stored: boolean;
  storedDue: number;
  heapBytes: number;
  dirty: boolean;
}

/** A changed document, for the changelog; a null value: deleted. */
export interface DocumentChange {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What is to be seen of a store: how often documents were looked for, and where they were found. */
export interface DocumentFigures {
  readonly hits: number;
  /** Read from the key-value store. */
  readonly misses: number;
  /** There was none: entities seen for the first time. */
  readonly absent: number;
  readonly dirtyBytes: number;
}

export class CachedDocumentStore<Doc> implements DocumentStore<Doc> {
  readonly #store: KeyValueStore;
  readonly #spec: DocumentSpec<Doc>;
  #generationBytesMax: number;
  /** Two generations: what was used since the last turn, and before it. */
  #young = new Map<string, Entry<Doc>>();
  #old = new Map<string, Entry<Doc>>();
  #youngBytes = 0;
  readonly #dirty = new Map<string, Entry<Doc>>();
  #dirtyBytes = 0;
  readonly #due = new DueHeap();
  /** All rows up to and including (horizonDue, horizonKey) are in #due; so is every dirty document that is due. */
  #horizonDue = -1;
  #horizonKey = '';
  /** What was found last: a document that is read is mostly put right after. */
  #lastKey: string | null = null;
  #lastEntry: Entry<Doc> | undefined;
  #hits = 0;
  #misses = 0;
  #absent = 0;

  constructor(store: KeyValueStore, spec: DocumentSpec<Doc>, options: { cacheBytes: number }) {
    this.#store = store;
    this.#spec = spec;
    this.#generationBytesMax = options.cacheBytes / 2;
  }

  /** Estimated heap bytes of the documents that wait for a commit. */
  get dirtyBytes(): number {
    return this.#dirtyBytes;
  }

  /** Index rows in memory; see D3. */
  get dueRowsLoaded(): number {
    return this.#due.size;
  }

  get figures(): DocumentFigures {
    return { hits: this.#hits, misses: this.#misses, absent: this.#absent, dirtyBytes: this.#dirtyBytes };
  }

  /** From now on (D3). */
  set cacheBytes(bytes: number) {
    this.#generationBytesMax = bytes / 2;
  }

  get dueBy(): 'stream-time' | 'wall-time' {
    return this.#spec.dueBy;
  }

  get(key: string): Doc | undefined {
    return this.#find(key)?.doc;
  }

  put(key: string, doc: Doc): void {
    const due = this.#spec.dueAt(doc);
    assert(due === Infinity || (Number.isSafeInteger(due) && due >= 0), `due time of ${key} is ${due}`);
    let entry = this.#find(key);
    if (entry === undefined) {
      entry = { doc, due: Infinity, stored: false, storedDue: Infinity, heapBytes: HEAP_NEW, dirty: false };
      this.#keep(key, entry);
      this.#lastKey = key;
      this.#lastEntry = entry;
    }
    entry.doc = doc;
    this.#change(key, entry, due);
  }

  delete(key: string): void {
    const entry = this.#find(key);
    if (entry === undefined) return;
    entry.doc = undefined;
    this.#change(key, entry, Infinity);
  }

  /**
   * The earliest document due at or before `time`; null when there is none, undefined when loadDue() must be awaited
   * before that can be told.
   */
  peekDue(time: number): { readonly key: string; readonly due: number } | null | undefined {
    const first = this.#due.peek();
    if (first !== undefined && compareDue(first.due, first.key, this.#horizonDue, this.#horizonKey) <= 0) {
      return first.due <= time ? first : null;
    }
    return this.#horizonDue < time ? undefined : null;
  }

  /** Reads the next index rows into memory. */
  async loadDue(): Promise<void> {
    const after = this.#horizonDue < 0 ? undefined : dueKey(this.#horizonDue, this.#horizonKey);
    const { from, to } = dueRange(after);
    const rows = await this.#store.range(from, to, DUE_ROWS_LOADED);
    let last = { due: Infinity, key: '' };
    for (const row of rows) {
      last = readDueKey(row.key);
      // A dirty document is in the heap under its newest due time already, or is no longer due at all.
      if (!this.#dirty.has(last.key)) this.#due.set(last.key, last.due);
    }
    const all = rows.length < DUE_ROWS_LOADED;
    this.#horizonDue = all ? Infinity : last.due;
    this.#horizonKey = all ? '' : last.key;
  }

  /**
   * What must be written to make the key-value store equal to what get() says, and the same for the changelog.
   * The documents count as clean from here on: if the commit fails, the owner drops this store.
   * With `max`, of the first so many dirty documents; flushed() is for when all have been written.
   */
  flush(max = Infinity): { writes: StoreWrite[]; changes: DocumentChange[] } {
    const writes: StoreWrite[] = [];
    const changes: DocumentChange[] = [];
    let left = max;
    for (const [key, entry] of this.#dirty) {
      if (left-- === 0) break;
      this.#dirty.delete(key);
      this.#dirtyBytes -= entry.heapBytes;
      entry.dirty = false;
      if (entry.doc === undefined && !entry.stored) {
        this.#forget(key);
        continue;
      }
      const value = entry.doc === undefined ? null : this.#encoded(entry.doc, entry.due);
      changes.push({ key, value });
      writes.push({ key: documentKey(key), value });
      if (entry.storedDue !== entry.due) {
        if (entry.storedDue !== Infinity) writes.push({ key: dueKey(entry.storedDue, key), value: null });
        if (entry.due !== Infinity) writes.push({ key: dueKey(entry.due, key), value: NO_BYTES });
      }
      entry.stored = value !== null;
      entry.storedDue = entry.due;
      if (value === null) this.#forget(key);
      else entry.heapBytes = heapBytesOf(value);
    }
    return { writes, changes };
  }

  /** To be called when what flush() returned has been written: due rows beyond the horizon need no memory any more. */
  flushed(): void {
    if (this.#horizonDue !== Infinity) this.#due.dropAfter(this.#horizonDue, this.#horizonKey);
    if (this.#due.size <= 2 * DUE_ROWS_LOADED) return;
    const last = this.#due.keepFirst(DUE_ROWS_LOADED)!;
    this.#horizonDue = last.due;
    this.#horizonKey = last.key;
  }

  #find(key: string): Entry<Doc> | undefined {
    if (key === this.#lastKey) return this.#lastEntry;
    this.#lastEntry = this.#findAnew(key);
    this.#lastKey = this.#lastEntry === undefined ? null : key;
    return this.#lastEntry;
  }

  #findAnew(key: string): Entry<Doc> | undefined {
    let entry = this.#young.get(key);
    if (entry !== undefined) {
      this.#hits++;
      return entry;
    }
    entry = this.#old.get(key);
    if (entry !== undefined) this.#old.delete(key);
    else entry = this.#dirty.get(key);
    if (entry !== undefined) this.#hits++;
    else entry = this.#load(key);
    if (entry !== undefined) this.#keep(key, entry);
    return entry;
  }

  #load(key: string): Entry<Doc> | undefined {
    const value = this.#store.get(documentKey(key));
    if (value === undefined) {
      this.#absent++;
      return undefined;
    }
    this.#misses++;
    const due = dueOf(value);
    const doc = this.#spec.decode(value.subarray(DUE_BYTES));
    return { doc, due, stored: true, storedDue: due, heapBytes: heapBytesOf(value), dirty: false };
  }

  #keep(key: string, entry: Entry<Doc>): void {
    this.#young.set(key, entry);
    this.#youngBytes += entry.heapBytes;
    if (this.#youngBytes <= this.#generationBytesMax) return;
    // Dirty documents of the generation that goes stay reachable through #dirty.
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  #encoded(doc: Doc, due: number): Uint8Array {
    const value = this.#spec.encode(doc, DUE_BYTES);
    new DataView(value.buffer, value.byteOffset).setFloat64(0, due);
    return value;
  }

  #forget(key: string): void {
    if (key === this.#lastKey) this.#lastKey = null;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #change(key: string, entry: Entry<Doc>, due: number): void {
    if (entry.due !== due || !entry.dirty) {
      entry.due = due;
      this.#due.set(key, due);
    }
    if (entry.dirty) return;
    entry.dirty = true;
    this.#dirty.set(key, entry);
    this.#dirtyBytes += entry.heapBytes;
  }
}

/** The due time that stands before a stored document's bytes. */
export function dueOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getFloat64(0);
}

function heapBytesOf(value: Uint8Array): number {
  return HEAP_OVERHEAD + HEAP_PER_BYTE * value.length;
}
