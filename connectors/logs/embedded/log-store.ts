// The open log of one process: what is committed, the files, and the one queue of changes.
//
// Owns: order and durability of changes, the fsync policy. committer.ts and cleaner.ts decide what changes.
//
// Invariants:
//   L1. Changes happen one after another (`exclusive`), each visible in `state` only after its entry is written, and
//       under fsync policy `commit` only after it is on disk.
//   L2. Before a snapshot is written, everything it covers is on disk, whatever the policy.

import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Acknowledged } from './acknowledged.ts';
import type { CommitLog } from './commit-log.ts';
import type { FileSystem } from './file-system.ts';
import { writeError } from './log-errors.ts';
import type { Change, LogState, PartitionState } from './log-state.ts';
import type { OpenFiles } from './open-files.ts';
import type { SegmentReader } from './segment-reader.ts';

/** When writes reach the disk itself: with each commit, every so often, or when the system likes. */
export type SyncPolicy = 'commit' | { readonly everyMs: number } | 'never';

export interface LogParts {
  readonly folder: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly syncPolicy: SyncPolicy;
  readonly segmentBytes: number;
  readonly files: OpenFiles;
  readonly reader: SegmentReader;
  readonly state: LogState;
  readonly commitLog: CommitLog;
  readonly acknowledged: Acknowledged;
}

export class LogStore {
  readonly parts: LogParts;
  readonly state: LogState;
  /** Called after every change; small and synchronous. */
  readonly listeners = new Set<() => void>();
  /** Partitions whose next records go to a new file. */
  readonly rolling = new Set<PartitionState>();
  /** Files and folders written and not yet synced, under policies other than `commit`. */
  readonly #unsyncedFiles = new Set<string>();
  readonly #unsyncedFolders = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(parts: LogParts) {
    this.parts = parts;
    this.state = parts.state;
  }

  get syncsEachCommit(): boolean {
    return this.parts.syncPolicy === 'commit';
  }

  /** Runs `work` once all earlier work has ended (L1). */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
  }

  /**
   * Within exclusive work: writes the change to the commit log, then makes it visible. A durable change is on disk when
   * this resolves, and so is everything before it.
   */
  async change(change: Change & { readonly closed?: boolean }, durable: boolean): Promise<void> {
    const { commitLog } = this.parts;
    if (durable) await this.sync();
    else if (commitLog.needsRotation) await this.rotate();
    await commitLog.append(durable ? change : { ...change, unsynced: true }, durable);
    if (durable && this.syncsEachCommit) this.parts.acknowledged.note(commitLog.sequence);
    this.state.apply(change);
    for (const listener of [...this.listeners]) listener();
  }

  /** Within exclusive work: replaces the commit log by a snapshot (L2). */
  async rotate(): Promise<void> {
    await this.#syncFiles();
    await this.parts.commitLog.rotate(this.state.snapshot());
  }

  /**
   * Within exclusive work: has everything on disk, and settles what was unclear. Throws RetryableError TRG_LOG_FULL; it
   * is tried again next time.
   */
  async sync(): Promise<void> {
    const { commitLog } = this.parts;
    if (commitLog.needsRotation) return this.rotate();
    const { sequence } = commitLog;
    if (this.syncsEachCommit || sequence === commitLog.syncedTo) return;
    await this.#syncFiles();
    await commitLog.sync(sequence);
  }

  noteUnsynced(path: string, folders: readonly string[]): void {
    this.#unsyncedFiles.add(path);
    for (const folder of folders) this.#unsyncedFolders.add(folder);
  }

  /** Forgets and deletes a file that the state no longer names. Readers that have it open go on reading it. */
  async removeFile(path: string): Promise<void> {
    this.#unsyncedFiles.delete(path);
    this.parts.reader.forget(path);
    await this.parts.files.drop(path);
    // What cannot be deleted now is deleted at the next start.
    await this.parts.fileSystem.remove(path).catch(() => {});
  }

  async #syncFiles(): Promise<void> {
    for (const path of [...this.#unsyncedFiles]) {
      try {
        await this.parts.files.use(path, 'write', (file) => file.sync());
      } catch (error) {
        throw writeError(error, path);
      }
      this.#unsyncedFiles.delete(path);
    }
    for (const folder of [...this.#unsyncedFolders]) {
      try {
        await this.parts.fileSystem.syncFolder(folder);
      } catch (error) {
        throw writeError(error, folder);
      }
      this.#unsyncedFolders.delete(folder);
    }
  }
}
