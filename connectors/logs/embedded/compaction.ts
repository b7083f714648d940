// Rewrites a compacted partition so that only the latest record of each key is left.
//
// Owns: one pass over one partition. Does not own: when (cleaner.ts).
//
// Invariants:
//   Q1. Offsets and times of writing stay; what is read before and after differs only by overwritten records.
//   Q2. The old files count until one entry names the new ones instead, and the new ones are on disk before it.
//   Q3. A deletion (null value) is kept for TOMBSTONE_MS, so that whoever reads behind learns of it.
//   Q4. Memory is bounded by `keysMax`; what is beyond is compacted in the next pass.

import { assert } from '../../../lib/assert.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import type { TopicPartition } from '../../../topology/engine/ports.ts';
import { BatchEncoder, sealBatches } from './batch.ts';
import { BatchCursor } from './batch-cursor.ts';
import type { FileCursor } from './core.ts';
import type { OpenFile } from './file-system.ts';
import { isUnclear, writeError } from './log-errors.ts';
import { type PartitionState, type Segment, segmentFile } from './log-state.ts';
import type { LogStore } from './log-store.ts';
import { OffsetMap } from './offset-map.ts';
import { partitionFolder, segmentPath } from './segment-reader.ts';

export const TOMBSTONE_MS = 24 * 3_600_000;

/** Batches written in one such span may be joined: times of writing are then right to within it. */
const WRITTEN_SPAN_MS = 3_600_000;

/** Worked through between two turns of the event loop: a few milliseconds. */
const CHUNK_BYTES = 256 * 1024;

/** Compacts the partition once. Returns whether more is left to do. Throws as LogStore.change, and on damage. */
export async function compact(store: LogStore, where: TopicPartition, keysMax: number): Promise<boolean> {
  const state = store.state.partition(where);
  const sealed = await store.exclusive(async () => {
    await store.sync();
    store.rolling.add(state);
    return { segments: state.segments, end: state.end };
  });
  const latest = new OffsetMap(keysMax);
  const mappedTo = await mapKeys(store, where, state, sealed.end, latest);
  const inputs = sealed.segments.filter((segment) => segment.base < mappedTo);
  if (inputs.length === 0) return false;
  const inputEnd = sealed.segments[inputs.length]?.base ?? sealed.end;
  const isKept = keepRule(latest, mappedTo, store.parts.clock.now() - TOMBSTONE_MS);
  const outputs = new Outputs(store, where, state.cleanings);
  try {
    await rewrite(store, where, state, inputEnd, isKept, outputs);
    const removed = inputs.map((segment) => segment.file);
    const replaced = { ...where, removed, added: outputs.segments, cleanedTo: mappedTo };
    await store.exclusive(() => store.change({ replaced }, true));
  } catch (error) {
    await outputs.close();
    // After an unclear answer the new files may yet count; if not, they go at the next start.
    if (!isUnclear(error)) await removeSegments(store, where, outputs.segments);
    throw error;
  }
  await removeSegments(store, where, inputs);
  return mappedTo < sealed.end;
}

type KeepRule = (record: LogRecord, writtenAt: number) => boolean;

function keepRule(latest: OffsetMap, mappedTo: number, tombstonesFrom: number): KeepRule {
  return ({ key, value, offset }, writtenAt) => {
    if (key === null || offset >= mappedTo) return true;
    if (offset < (latest.get(key) ?? 0)) return false;
    return value !== null || writtenAt > tombstonesFrom;
  };
}

/** Fills the map from what no pass has seen yet; returns the offset up to which it did. */
async function mapKeys(
  store: LogStore,
  where: TopicPartition,
  state: PartitionState,
  end: number,
  latest: OffsetMap,
): Promise<number> {
  for await (const cursor of batches(store, where, state, state.cleanedTo, end)) {
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      if (record.offset >= end) return end;
      if (record.key === null) continue;
      if (latest.isFull && latest.get(record.key) === undefined) return record.offset;
      latest.set(record.key, record.offset);
    }
  }
  return end;
}

async function rewrite(
  store: LogStore,
  where: TopicPartition,
  state: PartitionState,
  end: number,
  isKept: KeepRule,
  outputs: Outputs,
): Promise<void> {
  for await (const cursor of batches(store, where, state, state.first, end)) {
    for (;;) {
      const { writtenAt } = cursor;
      const record = cursor.next();
      if (record === undefined || record.offset >= end) break;
      if (isKept(record, writtenAt)) outputs.add(record, writtenAt);
    }
    await outputs.flush();
  }
  await outputs.finish();
}

async function* batches(
  store: LogStore,
  where: TopicPartition,
  state: PartitionState,
  from: number,
  end: number,
): AsyncGenerator<BatchCursor> {
  let cursor: FileCursor | undefined;
  for (let offset = from; offset < end; ) {
    const chunk = await store.parts.reader.read({ ...where, offset, cursor, maxBytes: CHUNK_BYTES }, state, end);
    if (chunk.bytes.length > 0) yield new BatchCursor(chunk);
    offset = chunk.nextOffset;
    cursor = chunk.cursor;
  }
}

/** Writes the kept records to new segment files. */
class Outputs {
  readonly segments: Segment[] = [];
  readonly #store: LogStore;
  readonly #where: TopicPartition;
  readonly #cleaning: number;
  readonly #encoder = new BatchEncoder();
  #file: OpenFile | undefined;
  /** Offset of the record that was added last. */
  #last = -1;
  /** Of what the encoder holds. */
  #first: number | undefined;
  #firstWrittenAt = 0;
  #lastWrittenAt = 0;

  constructor(store: LogStore, where: TopicPartition, cleaning: number) {
    this.#store = store;
    this.#where = where;
    this.#cleaning = cleaning;
  }

  add(record: LogRecord, writtenAt: number): void {
    assert(record.offset > this.#last, 'compaction keeps offsets, and their order (Q1)');
    this.#last = record.offset;
    if (this.#first === undefined) {
      this.#first = record.offset;
      this.#firstWrittenAt = writtenAt;
    } else if (Math.floor(writtenAt / WRITTEN_SPAN_MS) !== Math.floor(this.#lastWrittenAt / WRITTEN_SPAN_MS)) {
      this.#encoder.cut();
    }
    this.#lastWrittenAt = writtenAt;
    this.#encoder.add(record, record.offset, writtenAt);
  }

  /** Writes what was added, unless that is little. */
  async flush(): Promise<void> {
    if (this.#encoder.bytes >= CHUNK_BYTES) await this.#write();
  }

  /** Everything is on disk once it resolves. */
  async finish(): Promise<void> {
    if (this.#encoder.bytes > 0) await this.#write();
    await this.#endFile();
    if (this.segments.length === 0) return;
    const folder = partitionFolder(this.#store.parts.folder, this.#where);
    await this.#store.parts.fileSystem.syncFolder(folder).catch((error: unknown) => {
      throw writeError(error, folder);
    });
  }

  async close(): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    const bytes = this.#encoder.finish();
    sealBatches(bytes, 0, null);
    const last = this.segments.at(-1);
    if (last !== undefined && last.bytes + bytes.length > this.#store.parts.segmentBytes) await this.#endFile();
    if (this.#file === undefined) await this.#beginFile();
    const segment = this.segments.at(-1)!;
    await this.#guard(segment, () => this.#file!.write([bytes], segment.bytes));
    const written = { bytes: segment.bytes + bytes.length, lastWrittenAt: this.#lastWrittenAt };
    this.segments[this.segments.length - 1] = { ...segment, ...written };
    this.#first = undefined;
    this.#encoder.clear();
  }

  async #beginFile(): Promise<void> {
    const base = this.#first!;
    const file = segmentFile(base, this.#cleaning);
    const segment = { base, file, bytes: 0, firstWrittenAt: this.#firstWrittenAt, lastWrittenAt: this.#lastWrittenAt };
    this.segments.push(segment);
    const { fileSystem, folder } = this.#store.parts;
    const path = segmentPath(folder, this.#where, segment);
    this.#file = await this.#guard(segment, () => fileSystem.open(path, 'create'));
  }

  async #endFile(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#guard(this.segments.at(-1)!, () => this.#file!.sync());
    await this.close();
  }

  async #guard<Result>(segment: Segment, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw writeError(error, segmentPath(this.#store.parts.folder, this.#where, segment));
    }
  }
}

async function removeSegments(store: LogStore, where: TopicPartition, segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) await store.removeFile(segmentPath(store.parts.folder, where, segment));
}
