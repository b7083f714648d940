// The commit log: one checksummed entry per atomic change of the whole log. What it does not say did not happen.
//
// Owns: the files `commits-<first sequence>.log`. A file begins with a snapshot of everything, so only the newest counts.
//   frame  u32 magic | u32 payload bytes | u32 crc of the payload | payload: Entry as JSON
//
// Invariants:
//   C1. A file appears under its name only once its snapshot is on disk.
//   C2. After a failed append nothing more is appended to that file unless the failed entry was cut off again.
//   C3. The file is bounded: it is replaced by a snapshot when it outgrows COMMIT_LOG_BYTES.

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { asBuffer, utf8Text } from '../../../lib/bytes.ts';
import type { EngineError } from '../../../lib/errors.ts';
import { viewOf } from './batch.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { corruptError, unclearError, writeError } from './log-errors.ts';
import type { Change, Snapshot } from './log-state.ts';

/** About 40,000 commits; read whole at start, so that opening stays a matter of milliseconds. */
const COMMIT_LOG_BYTES = 8 * 1024 * 1024;

/** A file is at least this many times its snapshot, so that a large one is not rewritten all the time. */
const SNAPSHOT_SHARE = 4;

/** 'TLC1' */
const MAGIC = 0x31434c54;
const FRAME_BYTES = 12;
const FILE_NAME = /^commits-(\d{20})\.log$/;

export interface Entry extends Change {
  readonly sequence: number;
  /** Written without first syncing what it covers (fsync policy other than `commit`). */
  readonly unsynced?: boolean;
  /** Everything up to this sequence has been synced since. */
  readonly syncedTo?: number;
  /** The log was closed in good order: an entry before it that cannot be read is damage, not a torn tail. */
  readonly closed?: boolean;
}

export class CommitLog {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  #path = '';
  #file: OpenFile | undefined;
  #bytes = 0;
  #limit = 0;
  #sequence: number;
  #syncedTo = 0;
  /** The file may hold an entry that was reported as failed, or is not surely the newest: it must be replaced (C2). */
  #suspect = true;

  /** `rotate` must be called before the first append. */
  constructor(fileSystem: FileSystem, folder: string, sequence: number) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    this.#sequence = sequence;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Everything up to here was on disk when last asked for. */
  get syncedTo(): number {
    return this.#syncedTo;
  }

  get needsRotation(): boolean {
    return this.#suspect || this.#bytes > this.#limit;
  }

  /** Begins a new file with the snapshot, then removes the old ones. All that the snapshot covers must be synced. */
  async rotate(snapshot: Snapshot): Promise<void> {
    const sequence = ++this.#sequence;
    const path = join(this.#folder, commitFile(sequence));
    const temporary = `${path}.tmp`;
    const frame = encodeFrame({ sequence, snapshot });
    // From the rename on the old file no longer counts.
    this.#suspect = true;
    let file: OpenFile | undefined;
    try {
      file = await this.#fileSystem.open(temporary, 'create');
      await file.write([frame], 0);
      await file.sync();
      await this.#fileSystem.rename(temporary, path);
      await this.#fileSystem.syncFolder(this.#folder);
    } catch (error) {
      await file?.close().catch(() => {});
      await this.#fileSystem.remove(temporary).catch(() => {});
      throw writeError(error, path);
    }
    const old = this.#file;
    this.#file = file;
    this.#path = path;
    this.#bytes = frame.length;
    this.#limit = Math.max(COMMIT_LOG_BYTES, frame.length * SNAPSHOT_SHARE);
    this.#syncedTo = sequence;
    this.#suspect = false;
    await old?.close().catch(() => {});
    await this.#removeOld(path);
  }

  /** Appends the change. Throws RetryableError TRG_LOG_FULL, or TRG_LOG_UNCLEAR_COMMIT when it may yet take effect. */
  async append(change: Change & Pick<Entry, 'unsynced' | 'closed'>, sync: boolean): Promise<void> {
    const frame = encodeFrame({ sequence: this.#sequence + 1, syncedTo: this.#syncedTo, ...change });
    const file = this.#file!;
    try {
      await file.write([frame], this.#bytes);
      if (sync) await file.sync();
    } catch (error) {
      throw await this.#takeBack(file, error);
    }
    this.#sequence++;
    this.#bytes += frame.length;
  }

  /** Syncs the file; everything up to `sequence` must have been synced before. */
  async sync(sequence: number): Promise<void> {
    try {
      await this.#file!.sync();
    } catch (error) {
      throw writeError(error, this.#path);
    }
    this.#syncedTo = sequence;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #takeBack(file: OpenFile, error: unknown): Promise<EngineError> {
    try {
      await file.truncate(this.#bytes);
      await file.sync();
      return writeError(error, this.#path);
    } catch {
      this.#suspect = true;
      return unclearError(this.#path, error);
    }
  }

  async #removeOld(newest: string): Promise<void> {
    // Left-overs do no harm and are removed at the next rotation.
    try {
      for (const name of await this.#fileSystem.list(this.#folder)) {
        const path = join(this.#folder, name);
        const ours = FILE_NAME.test(name) || name.endsWith('.log.tmp');
        if (ours && path !== newest) await this.#fileSystem.remove(path);
      }
    } catch {}
  }
}

export interface CommitEntries {
  /** The first is a snapshot. */
  readonly entries: readonly Entry[];
  /** Of the file, and where its last entry ends. */
  readonly path: string;
  readonly end: number;
  /** Bytes of an unfinished entry at the end. */
  readonly tornBytes: number;
}

/**
 * Reads the newest commit log; undefined when there is none. Throws FatalError TRG_LOG_CORRUPT. `isLost`: whoever asks goes on
 * without what comes after an entry that cannot be read.
 */
export async function readCommitLog(
  fileSystem: FileSystem,
  folder: string,
  { isLost = false }: { readonly isLost?: boolean } = {},
): Promise<CommitEntries | undefined> {
  const names = (await fileSystem.list(folder)).filter((name) => FILE_NAME.test(name)).sort();
  const newest = names.at(-1);
  if (newest === undefined) return undefined;
  const path = join(folder, newest);
  const file = await fileSystem.open(path, 'read');
  try {
    const bytes = Buffer.alloc((await fileSystem.size(path)) ?? 0);
    return decodeEntries(bytes.subarray(0, await file.read(bytes, 0)), path, isLost);
  } finally {
    await file.close();
  }
}

export function commitFile(sequence: number): string {
  return `commits-${String(sequence).padStart(20, '0')}.log`;
}

function decodeEntries(bytes: Uint8Array, path: string, isLost: boolean): CommitEntries {
  const entries: Entry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const frame = decodeFrame(bytes, at);
    if (frame === undefined) break;
    entries.push(frame.entry);
    at = frame.end;
  }
  if (entries[0]?.snapshot === undefined) throw corruptError(path, 0, 'it does not begin with a snapshot');
  if (at < bytes.length && !isLost) {
    // An entry that was synced after this one proves that this one was whole once.
    const later = findSyncedEntry(bytes, at + 1, entries.at(-1)!.sequence);
    if (later !== undefined) {
      throw corruptError(path, at, `an entry cannot be read, yet one at byte ${later} was committed after it`);
    }
  }
  return { entries, path, end: at, tornBytes: bytes.length - at };
}

function findSyncedEntry(bytes: Uint8Array, from: number, after: number): number | undefined {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  const buffer = asBuffer(bytes);
  for (let at = buffer.indexOf(magic, from); at >= 0; at = buffer.indexOf(magic, at + 1)) {
    const entry = decodeFrame(bytes, at)?.entry;
    if (entry === undefined || entry.sequence <= after) continue;
    if (entry.unsynced !== true || (entry.syncedTo ?? 0) > after) return at;
  }
  return undefined;
}

function decodeFrame(bytes: Uint8Array, at: number): { entry: Entry; end: number } | undefined {
  if (at + FRAME_BYTES > bytes.length) return undefined;
  const view = viewOf(bytes);
  const end = at + FRAME_BYTES + view.getUint32(at + 4, true);
  if (view.getUint32(at, true) !== MAGIC || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + FRAME_BYTES, end);
  if (crc32(payload) !== view.getUint32(at + 8, true)) return undefined;
  return { entry: JSON.parse(utf8Text(payload)) as Entry, end };
}

function encodeFrame(entry: Entry): Uint8Array {
  const payload = Buffer.from(JSON.stringify(entry), 'utf8');
  const frame = Buffer.allocUnsafe(FRAME_BYTES + payload.length);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt32LE(payload.length, 4);
  frame.writeUInt32LE(crc32(payload), 8);
  payload.copy(frame, FRAME_BYTES);
  return frame;
}
