// Finds offsets in segment files and reads whole batches from them.
//
// Owns: the sparse offset indexes. Does not own: what is committed (LogState), checksums (BatchCursor).
//
// Invariants:
//   X1. Nothing beyond a segment's committed length is ever returned.
//   X2. Memory is bounded: INDEXES_MAX indexes, an entry per INDEX_STRIDE bytes of file, made when first needed.

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../../../lib/assert.ts';
import type { TopicPartition } from '../../../topology/engine/ports.ts';
import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader, viewOf } from './batch.ts';
import { BatchCursor } from './batch-cursor.ts';
import type { Chunk, FetchRequest } from './core.ts';
import { isMissing } from './file-system.ts';
import { corruptError, readError } from './log-errors.ts';
import type { PartitionState, Segment } from './log-state.ts';
import type { OpenFiles } from './open-files.ts';

/** Files whose places are remembered (X2): more than a worker reads at a time. */
const INDEXES_MAX = 256;
/** Bytes of file between two entries of an index: what is read too much when an offset is sought (X2). */
const INDEX_STRIDE = 256 * 1024;

/** What is read at a time when only batch headers are wanted: many small batches, or one large one's header. */
const SCAN_BYTES = 64 * 1024;
/** What is held at a time while a whole file is checked. */
const VERIFY_BYTES = 1024 * 1024;

interface SparseIndex {
  readonly offsets: number[];
  readonly positions: number[];
  /** Batches before this position have been looked at. */
  scanned: number;
}

export class SegmentReader {
  readonly #folder: string;
  readonly #files: OpenFiles;
  /** Least recently used first. */
  readonly #indexes = new Map<string, SparseIndex>();

  constructor(folder: string, files: OpenFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Whole batches from the first that has an offset at or above the wanted one. Throws FatalError TRG_LOG_CORRUPT. */
  async read(request: FetchRequest, state: PartitionState, endOffset: number): Promise<Chunk> {
    for (;;) {
      const segments = state.segments;
      try {
        return await this.#read(request, state, endOffset);
      } catch (error) {
        if (!isMissing(error)) throw error;
        // Cleaning may have replaced the file meanwhile; if not, it is lost.
        const { path } = error as NodeJS.ErrnoException;
        if (state.segments === segments) throw corruptError(path ?? this.#folder, 0, 'the file is gone', error);
      }
    }
  }

  /**
   * Reads `from` to `to` of a file, checks every batch, and returns the checksum of it all.
   * Throws FatalError TRG_LOG_CORRUPT, and the system's errors.
   */
  async verify(path: string, from: number, to: number): Promise<number> {
    let checksum = 0;
    for (let position = from; position < to; ) {
      const { bytes } = await this.#batches(path, position, to, VERIFY_BYTES);
      new BatchCursor({ bytes, path, position, from: 0 }).take(Number.POSITIVE_INFINITY, []);
      position += bytes.length;
      checksum = crc32(bytes, checksum);
    }
    return checksum;
  }

  async #read(request: FetchRequest, state: PartitionState, endOffset: number): Promise<Chunk> {
    const { segments, end } = state;
    const from = Math.max(request.offset, state.first);
    for (let i = segmentAt(segments, from); i < segments.length && from < end; i++) {
      const segment = segments[i]!;
      const path = segmentPath(this.#folder, request, segment);
      const position = await this.#find(segment, path, from, request.cursor);
      if (position >= segment.bytes) continue;
      const found = await this.#batches(path, position, segment.bytes, request.maxBytes);
      const readTo = position + found.bytes.length;
      assert(readTo <= segment.bytes, 'nothing beyond what was committed is read (X1)');
      const next = readTo < segment.bytes ? found.nextOffset : (segments[i + 1]?.base ?? end);
      return {
        bytes: found.bytes,
        from,
        nextOffset: next,
        endOffset,
        path,
        position,
        cursor: { file: segment.file, position: readTo },
      };
    }
    return emptyChunk(Math.max(from, end), endOffset);
  }

  /**
   * Position of the first batch that reaches `offset` or beyond; the segment's length when there is none.
   * Where that leaves a gap, the batch before it is checked: its header may be damaged, and hide the offset.
   */
  async #find(segment: Segment, path: string, offset: number, cursor: FetchRequest['cursor']): Promise<number> {
    if (offset <= segment.base) return 0;
    if (cursor?.file === segment.file && cursor.position <= segment.bytes) return cursor.position;
    const index = this.#index(path);
    const before = index.offsets.findLastIndex((indexed) => indexed <= offset);
    const position = before < 0 ? 0 : index.positions[before]!;
    let previous: number | undefined;
    for await (const { header, at } of this.#headers(path, position, segment.bytes)) {
      if (at === index.scanned) note(index, header, at);
      if (header.nextOffset > offset) {
        if (header.baseOffset > offset && previous !== undefined) await this.verify(path, previous, at);
        return at;
      }
      previous = at;
    }
    if (previous !== undefined) await this.verify(path, previous, segment.bytes);
    return segment.bytes;
  }

  /** Reads about `maxBytes` at `position`, at least one batch, and drops the incomplete one at the end. */
  async #batches(
    path: string,
    position: number,
    limit: number,
    maxBytes: number,
  ): Promise<{ bytes: Uint8Array<ArrayBuffer>; nextOffset: number }> {
    const bytes = await this.#bytes(path, position, Math.min(limit - position, Math.max(maxBytes, BATCH_HEADER_BYTES)));
    const view = viewOf(bytes);
    let nextOffset = 0;
    let at = 0;
    while (at + BATCH_HEADER_BYTES <= bytes.length) {
      const header = at === 0 ? checkedHeader(view, at, path, position, limit) : readBatchHeader(view, at);
      // Whether the damage is here or in the length of the batch before shows when that one's checksum is looked at.
      if (header === undefined || position + at + header.bytes > limit) break;
      if (at + header.bytes > bytes.length) {
        if (at > 0) break;
        return this.#batches(path, position, limit, header.bytes);
      }
      at += header.bytes;
      nextOffset = header.nextOffset;
    }
    if (at === 0) throw corruptError(path, position, 'a batch is cut short');
    return { bytes: bytes.subarray(0, at), nextOffset };
  }

  async *#headers(path: string, position: number, limit: number): AsyncGenerator<{ header: BatchHeader; at: number }> {
    let at = position;
    while (at < limit) {
      const start = at;
      const bytes = await this.#bytes(path, start, Math.min(limit - start, SCAN_BYTES));
      const view = viewOf(bytes);
      if (bytes.length < BATCH_HEADER_BYTES) throw corruptError(path, at, 'a batch is cut short');
      while (at - start + BATCH_HEADER_BYTES <= bytes.length) {
        const header = checkedHeader(view, at - start, path, at, limit);
        yield { header, at };
        at += header.bytes;
      }
    }
  }

  async #bytes(path: string, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = Buffer.allocUnsafeSlow(length);
    const bytes = new Uint8Array(buffer.buffer as ArrayBuffer, 0, length);
    const got = await this.#files
      .use(path, 'read', (file) => file.read(bytes, position))
      .catch((error: unknown) => {
        throw isMissing(error) ? error : readError(error, path);
      });
    if (got < length) throw corruptError(path, position + got, 'the file ends before what was committed to it');
    return bytes;
  }

  #index(path: string): SparseIndex {
    const index = this.#indexes.get(path) ?? { offsets: [], positions: [], scanned: 0 };
    this.#indexes.delete(path);
    this.#indexes.set(path, index);
    if (this.#indexes.size > INDEXES_MAX) this.#indexes.delete(this.#indexes.keys().next().value!);
    return index;
  }

  /** Forgets a file that is gone. */
  forget(path: string): void {
    this.#indexes.delete(path);
  }
}

export function segmentPath(folder: string, { topic, partition }: TopicPartition, segment: { file: string }): string {
  return join(partitionFolder(folder, { topic, partition }), segment.file);
}

export function partitionFolder(folder: string, { topic, partition }: TopicPartition): string {
  return join(folder, 'topics', topic, String(partition));
}

export function emptyChunk(nextOffset: number, endOffset: number): Chunk {
  const bytes = new Uint8Array(0);
  return { bytes, from: nextOffset, nextOffset, endOffset, path: '', position: 0, cursor: undefined };
}

/** Number of the last segment that starts at or below `offset`. */
function segmentAt(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle]!.base <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function note(index: SparseIndex, header: BatchHeader, at: number): void {
  index.scanned = at + header.bytes;
  if (index.positions.length > 0 && at - index.positions.at(-1)! < INDEX_STRIDE) return;
  index.offsets.push(header.baseOffset);
  index.positions.push(at);
}

function checkedHeader(view: DataView, at: number, path: string, position: number, limit: number): BatchHeader {
  const header = readBatchHeader(view, at);
  if (header === undefined) throw corruptError(path, position, 'no batch starts here');
  if (position + header.bytes > limit) throw corruptError(path, position, 'a batch is longer than what was committed');
  return header;
}
