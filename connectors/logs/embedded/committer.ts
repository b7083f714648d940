// Commits transactions: those that arrive while a round is being written make up the next one and share its syncs.
//
// Owns: fencing, offsets of new records, appending to segment files.
//
// Invariants:
//   W1. Bytes are written and synced before the entry that covers them (P1).
//   W2. openWriter returns only when no commit of an earlier epoch can still take effect (P3).
//   W3. A round that fails leaves nothing behind that counts: the next one writes over the same bytes, which also makes
//       good what a failed sync may have dropped from the page cache.

import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { FencedError } from '../../../lib/errors.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import { sealBatches } from './batch.ts';
import type { EncodedPartition, Transaction, WriterId } from './core.ts';
import { closedError, isUnclear, writeError } from './log-errors.ts';
import { type GroupPosition, type PartitionEnd, type PartitionState, segmentFile } from './log-state.ts';
import type { LogStore } from './log-store.ts';
import { partitionFolder, segmentPath } from './segment-reader.ts';

type Ends = ReadonlyMap<string, number>;

interface Waiting {
  readonly writer: WriterId;
  readonly transaction: Transaction;
  readonly resolve: (ends: Ends) => void;
  readonly reject: (error: unknown) => void;
}

/** What a round appends to one partition. */
interface Append {
  readonly state: PartitionState;
  readonly path: string;
  readonly isNewFile: boolean;
  readonly position: number;
  readonly parts: Uint8Array[];
  readonly end: Omit<PartitionEnd, 'bytes' | 'end'>;
  bytes: number;
  endOffset: number;
}

export class Committer {
  readonly #store: LogStore;
  readonly #epochs = new Map<string, number>();
  #epoch = 0;
  #waiting: Waiting[] = [];
  /** Folders whose own entries in their parents are on disk. */
  readonly #madeFolders = new Set<string>();
  #closed = false;

  constructor(store: LogStore) {
    this.#store = store;
  }

  async openWriter(transactionalId: string): Promise<WriterId> {
    this.#assertOpen();
    const writer = { transactionalId, epoch: ++this.#epoch };
    this.#epochs.set(transactionalId, writer.epoch);
    await this.#store.exclusive(async () => {});
    return writer;
  }

  closeWriter(writer: WriterId): void {
    if (this.#epochs.get(writer.transactionalId) === writer.epoch) this.#epochs.delete(writer.transactionalId);
  }

  async commit(writer: WriterId, transaction: Transaction): Promise<Ends> {
    this.#assertOpen();
    this.#assertCurrent(writer);
    for (const partition of [...transaction.partitions, ...transaction.positions])
      this.#store.state.partition(partition);
    if (transaction.partitions.length + transaction.positions.length === 0) return new Map();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writer, transaction, resolve, reject });
      if (this.#waiting.length === 1) void this.#store.exclusive(() => this.#round());
    });
  }

  /** Refuses what comes from now on. */
  close(): void {
    this.#closed = true;
  }

  async #round(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const writtenAt = this.#store.parts.clock.now();
    const appends = new Map<string, Append>();
    try {
      // Before a byte is written: an entry whose outcome is unclear may cover the very bytes this round writes over.
      if (this.#store.parts.commitLog.needsRotation) await this.#store.rotate();
      const ends = this.#plan(waiting, appends, writtenAt);
      await this.#write([...appends.values()]);
      await this.#store.change(
        {
          ends: [...appends.values()].map((append) => this.#endOf(append)),
          groups: waiting.flatMap(({ transaction }) => groupPositions(transaction)),
        },
        this.#store.syncsEachCommit,
      );
      for (const { state, isNewFile } of appends.values()) if (isNewFile) this.#store.rolling.delete(state);
      for (const [i, { resolve }] of waiting.entries()) resolve(ends[i]!);
    } catch (error) {
      await this.#takeBack([...appends.values()], error);
      for (const { reject } of waiting) reject(error);
    }
  }

  /** Gives every transaction's records their offsets and files. Returns each one's ends. */
  #plan(waiting: readonly Waiting[], appends: Map<string, Append>, writtenAt: number): Ends[] {
    const added = new Map<string, number>();
    for (const { transaction } of waiting) {
      for (const encoded of transaction.partitions) {
        const key = partitionKey(encoded);
        added.set(key, (added.get(key) ?? 0) + encoded.bytes.length);
      }
    }
    return waiting.map(({ transaction }) => {
      const ends = new Map<string, number>();
      for (const encoded of transaction.partitions) {
        const key = partitionKey(encoded);
        let append = appends.get(key);
        if (append === undefined) {
          append = this.#begin(encoded, added.get(key)!, writtenAt);
          appends.set(key, append);
        }
        append.endOffset = sealBatches(encoded.bytes, append.endOffset, writtenAt);
        append.parts.push(encoded.bytes);
        append.bytes += encoded.bytes.length;
        ends.set(key, append.endOffset);
      }
      return ends;
    });
  }

  #begin({ topic, partition }: EncodedPartition, bytes: number, writtenAt: number): Append {
    const { folder, segmentBytes } = this.#store.parts;
    const state = this.#store.state.partition({ topic, partition });
    const last = state.segments.at(-1);
    const grows = last !== undefined && !this.#store.rolling.has(state) && last.bytes + bytes <= segmentBytes;
    const base = grows ? last.base : state.end;
    return {
      state,
      path: segmentPath(folder, { topic, partition }, { file: grows ? last.file : segmentFile(base) }),
      isNewFile: !grows,
      position: grows ? last.bytes : 0,
      parts: [],
      end: { topic, partition, base, writtenAt },
      bytes: 0,
      endOffset: state.end,
    };
  }

  #endOf({ end, position, bytes, endOffset, parts }: Append): PartitionEnd {
    const reached = { ...end, bytes: position + bytes, end: endOffset };
    if (this.#store.syncsEachCommit) return reached;
    return { ...reached, checksum: parts.reduce((checksum, part) => crc32(part, checksum), 0) };
  }

  async #write(appends: readonly Append[]): Promise<void> {
    const outcomes = await Promise.allSettled(appends.map((append) => this.#append(append)));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') throw writeError(outcome.reason, appends[i]!.path);
    }
  }

  async #append({ path, isNewFile, position, parts, end }: Append): Promise<void> {
    const { files, fileSystem, folder } = this.#store.parts;
    const ownFolder = partitionFolder(folder, end);
    const parents = this.#madeFolders.has(ownFolder) ? [] : [dirname(ownFolder), dirname(dirname(ownFolder)), folder];
    if (parents.length > 0) await fileSystem.makeFolder(ownFolder);
    const touched = isNewFile ? [ownFolder, ...parents] : [];
    await files.use(path, isNewFile ? 'create' : 'write', async (file) => {
      await file.write(parts, position);
      if (this.#store.syncsEachCommit) await file.sync();
    });
    if (this.#store.syncsEachCommit) for (const each of touched) await fileSystem.syncFolder(each);
    else this.#store.noteUnsynced(path, touched);
    if (isNewFile) this.#madeFolders.add(ownFolder);
  }

  async #takeBack(appends: readonly Append[], error: unknown): Promise<void> {
    for (const { path, isNewFile, position } of appends) {
      // The entry may turn out to be on disk after a crash, and its records with it.
      if (isUnclear(error)) continue;
      if (isNewFile) await this.#store.removeFile(path);
      // Only to give the space back: the bytes do not count anyway.
      else await this.#store.parts.files.use(path, 'write', (file) => file.truncate(position)).catch(() => {});
    }
  }

  #assertCurrent({ transactionalId, epoch }: WriterId): void {
    if (this.#epochs.get(transactionalId) === epoch) return;
    throw new FencedError('TRG_LOG_FENCED', `a newer writer took over the transactional id ${transactionalId}`, {
      transactionalId,
    });
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }
}

function groupPositions({ group, positions }: Transaction): GroupPosition[] {
  return positions.map(({ topic, partition, offset, metadata }) => ({ group, topic, partition, offset, metadata }));
}
