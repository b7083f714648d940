// The durable log in a folder of this machine: the default when no brokers are configured.
//
// Owns: opening, closing, background syncing and cleaning. The files are described in batch.ts and commit-log.ts.
//
// Invariants: P1 to P4 of topology/engine/ports.ts, and
//   E1. One process has a folder open for writing; other threads of it go through threads.ts, other processes may read
//       (read-only.ts).

import { dirname, resolve } from 'node:path';
import { AssertionError } from '../../../lib/assert.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { FolderLock } from '../../../state/store/folder-lock.ts';
import type { LogAdmin, TopicSpec } from '../../../topology/engine/ports.ts';
import { Acknowledged } from './acknowledged.ts';
import { Cleaner, type CleanOptions } from './cleaner.ts';
import { CommitLog } from './commit-log.ts';
import { Committer } from './committer.ts';
import type { LogCore, Transaction, WriterId } from './core.ts';
import { CoreLog } from './core-log.ts';
import { Fetcher } from './fetcher.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { closedError, writeError } from './log-errors.ts';
import { LogState } from './log-state.ts';
import { LogStore, type SyncPolicy } from './log-store.ts';
import { OpenFiles } from './open-files.ts';
import { cutTails, recoverState } from './recovery.ts';
import { SegmentReader } from './segment-reader.ts';
import { createTopics, logAdmin } from './topics.ts';

/** Large enough that few files are open, small enough that retention gives space back in steps that one notices. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** What is to go is days old or large: a minute later is soon enough, and a pass that finds nothing costs next to nothing. */
const CLEAN_EVERY_MS = 60_000;

/** Partition, topic, topics, and the data folder itself. */
const FOLDER_LEVELS = 4;

export interface EmbeddedLogOptions {
  /** The data folder; made when missing. */
  readonly dir: string;
  readonly clock: Clock;
  /** Default `commit`: an acknowledged commit survives a power cut. Each other policy survives a crash of the process. */
  readonly fsync?: SyncPolicy;
  /** A new file is begun when the next commit would make one longer than this. Default 64 MB. */
  readonly segmentBytes?: number;
  /** How often clean() is called; 0: only by the owner. Default 60 s. */
  readonly cleanEveryMs?: number;
  readonly logger?: Logger;
  readonly fileSystem?: FileSystem;
}

/**
 * Opens the log in `dir`, mending what an unclean end left.
 * Throws FatalError TRG_LOG_LOCKED, TRG_LOG_CORRUPT; RetryableError TRG_LOG_FULL.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { dir, fileSystem = nodeFileSystem } = options;
  await fileSystem.makeFolder(dir).catch((error: unknown) => {
    throw writeError(error, dir);
  });
  const lock = await fileSystem.lock(dir);
  const files = new OpenFiles(fileSystem);
  try {
    return new EmbeddedLog(await openStore(options, fileSystem, files), lock, options.cleanEveryMs ?? CLEAN_EVERY_MS);
  } catch (error) {
    await files.close();
    await lock.release();
    throw error instanceof AssertionError ? error : writeError(error, dir);
  }
}

export class EmbeddedLog extends CoreLog {
  readonly #cleaner: Cleaner;

  /** Use openEmbeddedLog. */
  constructor(store: LogStore, lock: FolderLock, cleanEveryMs: number) {
    const cleaner = new Cleaner(store);
    super(new EmbeddedCore(store, lock, cleaner, cleanEveryMs));
    this.#cleaner = cleaner;
  }

  /** Trims and compacts once. Returns whether another pass would find more to do. */
  clean(options?: CleanOptions): Promise<boolean> {
    return this.#cleaner.clean(options);
  }
}

class EmbeddedCore implements LogCore {
  readonly admin: LogAdmin;
  readonly fetch: LogCore['fetch'];
  readonly #store: LogStore;
  readonly #committer: Committer;
  readonly #cleaner: Cleaner;
  readonly #fetcher: Fetcher;
  readonly #lock: FolderLock;
  readonly #background = new AbortController();
  readonly #loops: readonly Promise<void>[];
  #closing: Promise<void> | undefined;

  constructor(store: LogStore, lock: FolderLock, cleaner: Cleaner, cleanEveryMs: number) {
    this.#store = store;
    this.#lock = lock;
    this.#cleaner = cleaner;
    this.#committer = new Committer(store);
    this.#fetcher = new Fetcher(store.state, store.parts.reader, store.parts.clock, store.listeners);
    this.fetch = (requests, waitMs, signal) => this.#fetcher.fetch(requests, waitMs, signal);
    this.admin = logAdmin(store.state, (specs) => this.#createTopics(specs));
    const { syncPolicy } = store.parts;
    const syncEveryMs = typeof syncPolicy === 'object' ? syncPolicy.everyMs : 0;
    this.#loops = [
      this.#every(syncEveryMs, () => store.exclusive(() => store.sync())),
      this.#every(cleanEveryMs, () => cleaner.clean()),
    ];
  }

  openWriter(transactionalId: string): Promise<WriterId> {
    return this.#committer.openWriter(transactionalId);
  }

  commit(writer: WriterId, transaction: Transaction): Promise<ReadonlyMap<string, number>> {
    return this.#committer.commit(writer, transaction);
  }

  closeWriter(writer: WriterId): void {
    this.#committer.closeWriter(writer);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #createTopics(specs: readonly TopicSpec[]): Promise<void> {
    if (this.#closing !== undefined) throw closedError();
    await createTopics(this.#store, specs);
  }

  async #close(): Promise<void> {
    this.#committer.close();
    this.#background.abort();
    await Promise.all(this.#loops);
    await this.#cleaner.close();
    this.#fetcher.close();
    const { files, commitLog, acknowledged, logger, folder } = this.#store.parts;
    await this.#store
      .exclusive(() => this.#store.change({ closed: true }, true))
      .catch((error: unknown) =>
        logger.warn({ err: error, folder }, 'the embedded log could not be closed in good order'),
      );
    await this.#fetcher.settled();
    await acknowledged.settled();
    await files.close();
    await commitLog.close();
    await this.#lock.release();
  }

  async #every(ms: number, work: () => Promise<unknown>): Promise<void> {
    if (ms === 0) return;
    const { clock, logger, folder } = this.#store.parts;
    const { signal } = this.#background;
    for (;;) {
      await clock.sleep(ms, signal);
      if (signal.aborted) return;
      await work().catch((error: unknown) => logger.error({ err: error, folder }, 'upkeep of the embedded log failed'));
    }
  }
}

async function openStore(options: EmbeddedLogOptions, fileSystem: FileSystem, files: OpenFiles): Promise<LogStore> {
  const { dir: folder, clock, logger = SILENT, segmentBytes = SEGMENT_BYTES } = options;
  const reader = new SegmentReader(folder, files);
  const recovered = await recoverState(fileSystem, folder, reader);
  const state = recovered?.state ?? new LogState();
  if (recovered !== undefined) {
    const cut = (await cutTails(fileSystem, folder, files, state)) + recovered.tornBytes;
    const { lostEntries, unsynced } = recovered;
    if (cut > 0 || lostEntries > 0) {
      logger.warn({ folder, bytes: cut, commits: lostEntries }, `cut ${cut} bytes of commits that were not finished`);
    }
    await syncAll(fileSystem, files, unsynced);
  } else {
    await syncParent(fileSystem, folder);
  }
  const commitLog = new CommitLog(fileSystem, folder, recovered?.sequence ?? 0);
  const syncPolicy = options.fsync ?? 'commit';
  const acknowledged = new Acknowledged(files, folder);
  const shared = { folder, fileSystem, clock, logger, syncPolicy, segmentBytes };
  const parts = { ...shared, files, reader, state, commitLog, acknowledged };
  const store = new LogStore(parts);
  await store.rotate();
  return store;
}

/** Has files and the folders they are in on disk. */
async function syncAll(fileSystem: FileSystem, files: OpenFiles, paths: readonly string[]): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    await files.use(path, 'write', (file) => file.sync());
    for (let folder = dirname(path), level = 0; level < FOLDER_LEVELS; folder = dirname(folder), level++)
      folders.add(folder);
  }
  for (const folder of folders) await fileSystem.syncFolder(folder);
}

/** So that the data folder itself is there after a power cut, unless it is not for us to open its parent. */
async function syncParent(fileSystem: FileSystem, folder: string): Promise<void> {
  const parent = dirname(resolve(folder));
  await fileSystem.syncFolder(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES' && error.code !== 'EPERM') throw writeError(error, parent);
  });
}

const SILENT: Logger = { info: () => {}, warn: () => {}, error: () => {} };
