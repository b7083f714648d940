// Documents over a KeyValueStore, in three layers: a few decoded ones at hand, those that changed lately in their encoded
// form, and the key-value store, which is brought up to date now and then. And the index of documents that are due.
//
// Owns: caching, which documents a commit has to write, which ones the store has to, due rows. Does not own: what a
// document means (DocumentSpec), its stored form (stored-document.ts), when to commit and when to write back (the engine).
// Long, as the three layers and the due rows change together with each document: apart, their order (D1, D4) would be nobody's.
//
// Invariants:
//   D1. Reads see the task's own writes (put, delete) at once; the key-value store sees them only when they are written back,
//       which is after changes() gave them to the changelog, and that was committed.
//   D2. There is one index row a document that is due, in the same batch as the document.
//   D3. Memory is bounded: documents at hand by their number, large ones by an eighth of `cacheBytes`; encoded ones by
//       `cacheBytes`, and by what the owner lets wait for a commit (`dirtyBytes`). Of the due rows only the earliest some
//       thousand are in memory.
//   D4. Due documents come in the order of (due, key), whatever was committed, written back or evicted when.
//   D5. After undo() every document is as it was at beginStep(), also where its object was changed in place.

import { assert } from '../../lib/assert.ts';
import { utf8Text } from '../../lib/bytes.ts';
import { textHash } from '../../lib/text-hash.ts';
import { AvroReader, AvroWriter } from '../../schemas/avro-bytes.ts';
import type { DocumentSpec, DocumentStore, KeyValueStore, StoreWrite } from './api.ts';
import { type DecodedDocument, DecodedDocuments } from './decoded-documents.ts';
import { DocumentTable, type RecordHead, type StoredRecord } from './document-table.ts';
import { compareDue, DueHeap } from './due-heap.ts';
import { documentKey, dueKey, dueRange, moveDueRow, readDueKey } from './key-codec.ts';
import { DUE_BYTES, dueOf, storedForm } from './stored-document.ts';

/** A decoded document takes about this much more heap than its bytes, measured on entity documents. */
const HEAP_PER_BYTE = 4;
const HEAP_OVERHEAD = 700;
/** For a document that was never encoded: measured on entities with one to five rules at work. */
const HEAP_NEW = 2_500;
/** Index rows read ahead at a time: some 100 bytes each, and rare enough reads. */
const DUE_ROWS_LOADED = 4_096;
/** Documents of one batch of writing back: a few milliseconds. */
const WRITE_BACK_DOCUMENTS = 500;

/** Decoded documents may take this part of the room. */
const DECODED_SHARE = 8;

const UNKNOWN: RecordHead = { isKnown: false, storedDue: Infinity };

/** A changed document, for the changelog; a null value: deleted. */
export interface DocumentChange {
  readonly key: Uint8Array;
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
  readonly #writer = new AvroWriter();
  readonly #reader = new AvroReader();
  #cacheBytes: number;

  readonly #decoded: DecodedDocuments<Doc>;
  /** Of the decoded ones, how many were put since they were encoded. */
  #dirty = 0;

  /** Documents that changed since the table before was made, encoded. */
  #changed = new DocumentTable();
  /** Where in #changed those begin that changes() has not given, and bytes before them. */
  #uncommitted = 0;
  #committedBytes = 0;
  /** Those before, which are being written back, or have been. */
  #writtenBack = new DocumentTable();
  #writingBack: Promise<void> | null = null;
  #failure: unknown;
  /** What the key-value store is to note once it has all that was committed. */
  #note: StoreWrite | null = null;

  /** Documents that were asked for since beginStep(); null: no step can be taken back. */
  #touched: Set<DecodedDocument<Doc>> | null = null;
  /** Whether one of them had to be encoded meanwhile, with what the step had done to it. */
  #isUndoable = true;

  readonly #due = new DueHeap();
  /** All documents due up to and including (horizonDue, horizonKey) are in #due. */
  #horizonDue = -1;
  #horizonKey = '';
  #hits = 0;
  #misses = 0;
  #absent = 0;

  constructor(
    store: KeyValueStore,
    spec: DocumentSpec<Doc>,
    options: { readonly cacheBytes: number; readonly atHand?: number },
  ) {
    this.#store = store;
    this.#spec = spec;
    this.#cacheBytes = options.cacheBytes;
    const onLeaving = (document: DecodedDocument<Doc>): void => {
      if (this.#touched?.has(document)) this.#isUndoable = false;
      if (document.isDirty) this.#encode(document);
    };
    this.#decoded = new DecodedDocuments(options.cacheBytes / DECODED_SHARE, onLeaving, options.atHand);
  }

  /** What is done from here on can be taken back, at the price of encoding each document that is touched before it is. */
  beginStep(): void {
    this.#touched ??= new Set();
    this.#touched.clear();
    this.#isUndoable = true;
  }

  /** D5. False: it cannot be, and what is in memory is of no more use. */
  undo(): boolean {
    if (this.#touched === null || !this.#isUndoable) return false;
    for (const document of this.#touched) {
      if (document.isDirty) this.#dirty--;
      document.isDirty = false;
      this.#decoded.forget(document);
      const stored = this.peek(document.key);
      this.#setDue(document.key, stored === undefined ? Infinity : dueOf(stored), document.hash);
    }
    this.#touched.clear();
    return true;
  }

  /** A document that is due is not handed out again until it is changed, or the store is opened anew. */
  passOver(key: string): void {
    this.#due.set(key, Infinity);
  }

  /** Estimated bytes of the documents that wait for a commit. */
  get dirtyBytes(): number {
    return this.#changed.bytes - this.#committedBytes + this.#dirty * HEAP_NEW;
  }

  /** Index rows in memory; see D3. */
  get dueRowsLoaded(): number {
    return this.#due.size;
  }

  get figures(): DocumentFigures {
    return { hits: this.#hits, misses: this.#misses, absent: this.#absent, dirtyBytes: this.dirtyBytes };
  }

  /** From now on (D3). */
  set cacheBytes(bytes: number) {
    this.#cacheBytes = bytes;
    this.#decoded.bytesMax = bytes / DECODED_SHARE;
  }

  get dueBy(): 'stream-time' | 'wall-time' {
    return this.#spec.dueBy;
  }

  get(key: string): Doc | undefined {
    return this.#find(key)?.doc;
  }

  /**
   * The stored form of a document as it is now, in a copy: its due time, then its bytes; undefined: there is none. Neither what
   * is at hand nor a figure is changed by it: for those who look on.
   */
  peek(key: string): Uint8Array | undefined {
    const hash = textHash(key);
    const known = this.#decoded.peek(key, hash);
    if (known?.isDirty) return known.doc === undefined ? undefined : storedForm(this.#spec, known.doc, known.due);
    for (const table of [this.#changed, this.#writtenBack]) {
      const place = table.placeOf(key, hash);
      if (place === undefined) continue;
      const { value } = table.recordAt(place);
      return value === null ? undefined : Uint8Array.from(value);
    }
    return this.#store.get(documentKey(key));
  }

  put(key: string, doc: Doc): void {
    const due = this.#spec.dueAt(doc);
    assert(due === Infinity || (Number.isSafeInteger(due) && due >= 0), `due time of ${key} is ${due}`);
    let document = this.#find(key);
    if (document === undefined) {
      document = this.#keep(key, textHash(key), doc, UNKNOWN, HEAP_NEW);
      this.#touched?.add(document);
    }
    document.doc = doc;
    this.#change(document, due);
  }

  delete(key: string): void {
    const document = this.#find(key);
    if (document === undefined) return;
    document.doc = undefined;
    this.#change(document, Infinity);
  }

  /**
   * The earliest document due at or before `time`; null when there is none, undefined when loadDue() must be awaited
   * before that can be told.
   */
  peekDue(time: number): { readonly key: string; readonly due: number } | null | undefined {
    const first = this.#due.peek();
    if (first !== undefined && first.due <= time) return first;
    return this.#horizonDue < time ? undefined : null;
  }

  /** Takes the next documents that are due into memory: rows of the key-value store, and documents that it has not yet. */
  async loadDue(): Promise<void> {
    this.#throwFailure();
    const after = this.#horizonDue < 0 ? undefined : dueKey(this.#horizonDue, this.#horizonKey);
    const { from, to } = dueRange(after);
    // What is being written back may or may not be in the rows, and no less so when it has been written meanwhile.
    const leaving = this.#writingBack === null ? null : this.#writtenBack;
    const rows = (await this.#store.range(from, to, DUE_ROWS_LOADED)).map(({ key }) => readDueKey(key));
    const { due, key } = rows.length < DUE_ROWS_LOADED ? { due: Infinity, key: '' } : rows.at(-1)!;
    for (const row of rows) {
      const isStale = leaving?.placeOf(row.key) !== undefined;
      if (!isStale && !this.#hasChanged(row.key)) this.#due.set(row.key, row.due);
    }
    this.#horizonDue = due;
    this.#horizonKey = key;
    this.#loadDueOf(this.#changed, (name) => this.#isDirty(name));
    if (leaving !== null) this.#loadDueOf(leaving, (name) => this.#hasChanged(name));
    for (const { key, due, hash, isDirty } of this.#decoded) if (isDirty) this.#setDue(key, due, hash);
    this.#trimDue();
  }

  /** Documents that changed since this was last asked, for the changelog; to be gone through, once, before the next put. */
  changes(): Iterable<DocumentChange> {
    this.#throwFailure();
    for (const document of this.#decoded) {
      if (document.isDirty) this.#encode(document);
      document.isKnown ||= document.doc !== undefined;
    }
    this.#decoded.letGoOfLarge();
    const changes = this.#changed.recordsFrom(this.#uncommitted);
    this.#uncommitted = this.#changed.end;
    this.#committedBytes = this.#changed.bytes;
    return changes;
  }

  /** What changes() gave is in the changelog; `note`: what the key-value store is to note when it has it too. */
  committed(note: StoreWrite | null = null): void {
    if (note !== null) this.#note = note;
    this.#trimDue();
  }

  /** Whether the key-value store lacks something that was committed, and it is not on its way there. */
  get isBehind(): boolean {
    return this.#note !== null || this.#changed.size > 0;
  }

  /** Whether half of the room is used up by what the key-value store is to have. */
  get isWriteDue(): boolean {
    return this.#changed.bytes >= this.#cacheBytes / 2;
  }

  /**
   * To be called when nothing waits for a commit: begins to write to the key-value store what was committed, when that
   * takes up half of the room (D3), or `anyway`. Waits only for what makes room. Throws what an earlier write threw.
   */
  async writeSome(anyway = false): Promise<void> {
    this.#throwFailure();
    const isDue = this.isWriteDue;
    if (isDue) await this.#writingBack;
    this.#throwFailure();
    if (this.#writingBack === null && (isDue || anyway) && this.isBehind) this.#beginWritingBack();
  }

  /** Writes all that was committed to the key-value store; to be called when nothing waits for a commit. */
  async writeBack(): Promise<void> {
    await this.#writingBack;
    await this.writeSome(true);
    await this.#writingBack;
    this.#throwFailure();
  }

  /** Resolves when nothing is on its way to the key-value store. */
  async idle(): Promise<void> {
    await this.#writingBack;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #beginWritingBack(): void {
    assert(
      this.#uncommitted === this.#changed.end && this.#dirty === 0,
      'only what was committed is written back (D1)',
    );
    const note = this.#note;
    this.#writtenBack = this.#changed;
    this.#note = null;
    this.#changed = new DocumentTable();
    this.#uncommitted = 0;
    this.#committedBytes = 0;
    // Whoever is at hand changes next from what is then in the key-value store.
    for (const document of this.#decoded) document.storedDue = document.due;
    this.#writingBack = this.#writeBackAll(note)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#writingBack = null;
      });
  }

  async #writeBackAll(note: StoreWrite | null): Promise<void> {
    let writes: StoreWrite[] = [];
    let documents = 0;
    for (const record of this.#writtenBack.recordsFrom(0)) {
      addWrites(record, writes);
      if (++documents % WRITE_BACK_DOCUMENTS !== 0) continue;
      await this.#store.write(writes);
      writes = [];
    }
    // After all else: the store must not say that it has what it has not.
    if (note !== null) writes.push(note);
    await this.#store.write(writes);
  }

  #find(key: string): DecodedDocument<Doc> | undefined {
    const document = this.#found(key);
    if (this.#touched !== null && document !== undefined && !this.#touched.has(document)) {
      if (document.isDirty) this.#encode(document);
      this.#touched.add(document);
    }
    return document;
  }

  #found(key: string): DecodedDocument<Doc> | undefined {
    const last = this.#decoded.last(key);
    if (last !== undefined) return last;
    const hash = textHash(key);
    const document = this.#decoded.find(key, hash);
    if (document === undefined) return this.#load(key, hash);
    this.#hits++;
    return document;
  }

  #load(key: string, hash: number): DecodedDocument<Doc> | undefined {
    let place = this.#changed.placeOf(key, hash);
    if (place !== undefined) {
      const record = this.#changed.recordAt(place);
      const head = { isKnown: record.isKnown || place < this.#uncommitted, storedDue: record.storedDue };
      this.#hits++;
      return this.#decode(key, hash, record.readValue(this.#reader), head);
    }
    place = this.#writtenBack.placeOf(key, hash);
    if (place !== undefined) {
      this.#hits++;
      return this.#decode(key, hash, this.#writtenBack.recordAt(place).readValue(this.#reader), null);
    }
    const value = this.#store.get(documentKey(key));
    if (value === undefined) {
      this.#absent++;
      return undefined;
    }
    this.#misses++;
    this.#reader.over(value);
    return this.#decode(key, hash, true, null);
  }

  /** Of what stands in #reader. `head`: null: as the key-value store has it, or is about to. */
  #decode(key: string, hash: number, isThere: boolean, head: RecordHead | null): DecodedDocument<Doc> | undefined {
    // A document that is gone is at hand no more than one that never was, but for what is to be written when it comes back.
    if (!isThere) return head === null ? undefined : this.#keep(key, hash, undefined, head, HEAP_OVERHEAD);
    const reader = this.#reader;
    const length = reader.end - reader.at;
    const due = reader.bytes.readDoubleBE(reader.at);
    reader.at += DUE_BYTES;
    const doc = this.#spec.decode(reader);
    const document = this.#keep(key, hash, doc, head ?? { isKnown: true, storedDue: due }, heapBytesOf(length));
    document.due = due;
    return document;
  }

  #keep(
    key: string,
    hash: number,
    doc: Doc | undefined,
    { isKnown, storedDue }: RecordHead,
    heapBytes: number,
  ): DecodedDocument<Doc> {
    const document = { key, hash, doc, due: Infinity, isKnown, storedDue, heapBytes, isDirty: false };
    this.#decoded.add(document);
    return document;
  }

  #change(document: DecodedDocument<Doc>, due: number): void {
    if (document.due !== due || !document.isDirty) {
      document.due = due;
      this.#setDue(document.key, due, document.hash);
    }
    if (document.isDirty) return;
    document.isDirty = true;
    this.#dirty++;
  }

  /** Puts a changed document where it is kept in its encoded form. */
  #encode(document: DecodedDocument<Doc>): void {
    const { key, hash, doc, due } = document;
    document.isDirty = false;
    this.#dirty--;
    if (doc === undefined) {
      if (document.isKnown) this.#changed.put(key, document, null, hash);
      else this.#changed.remove(key, hash);
      return;
    }
    const writer = this.#writer;
    writer.clear();
    writer.doubleBE(due);
    this.#spec.encode(doc, writer);
    this.#changed.put(key, document, writer, hash);
    this.#decoded.resize(document, heapBytesOf(writer.length));
  }

  /** Whether the document has changed since what is being, or was, written back. */
  #hasChanged(key: string): boolean {
    return this.#isDirty(key) || this.#changed.placeOf(key) !== undefined;
  }

  #isDirty(key: string): boolean {
    return this.#decoded.peek(key, textHash(key))?.isDirty === true;
  }

  /** Keeps in memory what is due up to the horizon; Infinity: not due. */
  #setDue(key: string, due: number, hash: number): void {
    const isNear = compareDue(due, key, this.#horizonDue, this.#horizonKey) <= 0;
    this.#due.set(key, isNear ? due : Infinity, hash);
  }

  /** Of the table's documents those that are not newer elsewhere. */
  #loadDueOf(table: DocumentTable, isNewer: (key: string) => boolean): void {
    for (const record of table.recordsFrom(0)) {
      const { due } = record;
      if (due === Infinity || due > this.#horizonDue) continue;
      const key = utf8Text(record.key);
      if (!isNewer(key)) this.#setDue(key, due, textHash(key));
    }
  }

  /** Rows beyond the earliest some thousand need no memory: they are found again when their time comes. */
  #trimDue(): void {
    if (this.#due.size <= 2 * DUE_ROWS_LOADED) return;
    const last = this.#due.keepFirst(DUE_ROWS_LOADED)!;
    this.#horizonDue = last.due;
    this.#horizonKey = last.key;
  }
}

function addWrites(record: StoredRecord, writes: StoreWrite[]): void {
  const { row } = record;
  writes.push({ key: row, value: record.value });
  moveDueRow(writes, row, record.storedDue, record.due);
}

function heapBytesOf(length: number): number {
  return HEAP_OVERHEAD + HEAP_PER_BYTE * length;
}
