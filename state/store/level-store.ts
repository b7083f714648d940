// KeyValueStore on LevelDB. The only importer of classic-level.
//
// Owns: opening, rows and their seals. Does not own: what makes a folder whole (level-check.ts).
//
// Invariants:
//   L1. One write is atomic (LevelDB's own log); it is not synced to disk, since the changelog can rebuild it.
//   L2. A database is read only if its files prove to be whole. One that is not is refused, or, for an owner who can rebuild
//       it, begun anew; so is one whose opening never ended, since LevelDB may have ended the process.
//   L3. A row is given out only if it matches its seal, a checksum of its key and value: damage that comes later, or that
//       LevelDB copied from one table to another, is not taken for state.

import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { AssertionError, assert } from '../../lib/assert.ts';
import { FatalError, RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore, StoreEntry, StoreWrite } from './api.ts';
import { CLOSED_FILE, checkFiles, closedNote, isDatabaseFile } from './level-check.ts';
import { FileDamage } from './level-log.ts';

/** Bytes of LevelDB's block cache and memtable per task. Small: hot documents are cached above, decoded. */
const CACHE_BYTES = 8 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;

/** Before and after every key: none begins with 0 or 255 (key-codec.ts). Not empty: see write(). */
const FIRST_KEY = Uint8Array.of(0);
const LAST_KEY = Uint8Array.of(255);

/** A file of this name in the folder says that its database was found damaged. */
const DAMAGED_FILE = 'DAMAGED';
/** And of this one, that it is being opened: LevelDB ends the process where it finds what it asserts is not so. */
const OPENING_FILE = 'OPENING';
/** What is in a file of this name: which form rows have. */
const FORMAT_FILE = 'FORMAT';
const FORMAT = 'rows with seals\n';

/** Of the checksum behind each value. */
const SEAL_BYTES = 4;
const SCRATCH_BYTES = 4_096;

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const;

export class LevelStore implements KeyValueStore {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>;
  /** Whether all that was to be written was, and all that was read was as it had been written. */
  #isWhole = true;
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

  private constructor(database: ClassicLevel<Uint8Array, Uint8Array>) {
    this.#database = database;
  }

  /**
   * Opens or makes the database in `folder`. `onDamaged`: a damaged one is deleted and begun empty, once that was told.
   * Throws FatalError TRG_STATE_LOCKED, and TRG_STATE_CORRUPT without `onDamaged`; RetryableError TRG_STATE_UNWRITABLE.
   */
  static async open(folder: string, onDamaged?: (folder: string, error: unknown) => void): Promise<LevelStore> {
    try {
      return await LevelStore.#open(folder);
    } catch (error) {
      const isDamaged = error instanceof FatalError && error.code === 'TRG_STATE_CORRUPT';
      if (!isDamaged || onDamaged === undefined) throw error;
      onDamaged(folder, error);
      try {
        rmSync(folder, { recursive: true, force: true });
      } catch (cause) {
        throw unwritable(folder, cause);
      }
      return LevelStore.#open(folder);
    }
  }

  static async #open(folder: string): Promise<LevelStore> {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw unwritable(folder, cause);
    }
    await refuseIfInUse(folder);
    await refuseIfDamaged(folder);
    const database = databaseIn(folder, {});
    try {
      writeFileSync(join(folder, OPENING_FILE), '', { mode: 0o600 });
      rmSync(join(folder, CLOSED_FILE), { force: true });
      writeFileSync(join(folder, FORMAT_FILE), FORMAT, { mode: 0o600 });
    } catch (cause) {
      throw unwritable(folder, cause);
    }
    try {
      await database.open();
    } catch (cause) {
      throw openError(folder, cause);
    } finally {
      rmSync(join(folder, OPENING_FILE), { force: true });
    }
    return new LevelStore(database);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    let sealed: Uint8Array | undefined;
    try {
      sealed = this.#database.getSync(key);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
    return sealed === undefined ? undefined : this.#unsealed(key, sealed);
  }

  async range(from: Uint8Array, to: Uint8Array, limit: number): Promise<readonly StoreEntry[]> {
    const iterator = this.#database.iterator({ gte: from, lt: to, limit });
    try {
      const entries: StoreEntry[] = [];
      while (entries.length < limit) {
        const some = await iterator.nextv(Math.min(1_000, limit - entries.length));
        if (some.length === 0) break;
        for (const [key, sealed] of some) entries.push({ key, value: this.#unsealed(key, sealed) });
      }
      return entries;
    } catch (cause) {
      throw this.#unreadable(cause);
    } finally {
      await iterator.close();
    }
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    const chained = this.#database.batch();
    for (const { key, value } of batch) {
      if (value === null) {
        chained.del(key);
      } else {
        // The binding copies an empty one to where it never frees it (classic-level 3, DisposeSliceBuffer).
        assert(value.length > 0, 'no value is empty');
        chained.put(key, this.#seal(key, value));
      }
    }
    try {
      await chained.write();
    } catch (cause) {
      this.#isWhole = false;
      throw unwritable(this.#database.location, cause);
    }
  }

  /** Estimated bytes on disk, without what LevelDB still holds in memory; null once it is closed. */
  async diskBytes(): Promise<number | null> {
    if (this.#database.status !== 'open') return null;
    try {
      return await this.#database.approximateSize(FIRST_KEY, LAST_KEY);
    } catch (error) {
      // Closed meanwhile.
      if (this.#database.status !== 'open') return null;
      throw error;
    }
  }

  async clear(): Promise<void> {
    await this.#database.clear();
  }

  async close(): Promise<void> {
    const wasOpen = this.#database.status === 'open';
    await this.#database.close();
    if (wasOpen && this.#isWhole) noteClosed(this.#database.location);
  }

  /** The value with its seal, in bytes that the next call uses again: LevelDB's binding copies them at once. */
  #seal(key: Uint8Array, value: Uint8Array): Uint8Array {
    const end = value.length + SEAL_BYTES;
    if (end > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 * end);
    this.#scratch.set(value);
    this.#scratch.writeUInt32LE(sealOf(key, value), value.length);
    return this.#scratch.subarray(0, end);
  }

  /** L3 */
  #unsealed(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    const end = sealed.length - SEAL_BYTES;
    const value = sealed.subarray(0, end);
    if (end <= 0 || sealOf(key, value) !== readSeal(sealed, end)) throw this.#damaged('a row does not match its seal');
    return value;
  }

  #unreadable(cause: unknown): unknown {
    const { code } = cause as { code?: string };
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return cause;
    return this.#damaged('LevelDB cannot read it', cause);
  }

  /** Damage that shows only now is noted for the next open (L2), which a restart of the engine comes to by itself. */
  #damaged(what: string, cause?: unknown): RetryableError {
    this.#isWhole = false;
    const folder = this.#database.location;
    try {
      writeFileSync(join(folder, DAMAGED_FILE), '', { mode: 0o600 });
    } catch {
      // What cannot be noted is found again: the files are looked at, and each row that is read.
    }
    return new RetryableError('TRG_STATE_CORRUPT', `the state in ${folder} cannot be read: ${what}`, { folder }, cause);
  }
}

function sealOf(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function readSeal(sealed: Uint8Array, at: number): number {
  return (sealed[at]! | (sealed[at + 1]! << 8) | (sealed[at + 2]! << 16) | (sealed[at + 3]! << 24)) >>> 0;
}

function databaseIn(folder: string, options: { createIfMissing?: boolean; errorIfExists?: boolean }) {
  const sizes = { cacheSize: CACHE_BYTES, writeBufferSize: WRITE_BUFFER_BYTES };
  return new ClassicLevel<Uint8Array, Uint8Array>(folder, { ...BYTES, ...sizes, ...options });
}

/** Has LevelDB try its lock and nothing else: files that somebody writes to look damaged, and must not be deleted. */
async function refuseIfInUse(folder: string): Promise<void> {
  const database = databaseIn(folder, { createIfMissing: false, errorIfExists: true });
  try {
    await database.open();
  } catch (cause) {
    if (reasonOf(cause).code === 'LEVEL_LOCKED') throw openError(folder, cause);
    return;
  }
  throw new AssertionError(`${folder} was opened though it was only to be tried`);
}

/** L2 */
async function refuseIfDamaged(folder: string): Promise<void> {
  const names = readdirSync(folder);
  if (names.includes(DAMAGED_FILE)) throw corrupt(folder, 'was found damaged', null);
  if (!names.some(isDatabaseFile)) return;
  if (names.includes(OPENING_FILE)) throw corrupt(folder, 'was being opened when its process ended', null);
  if (!names.includes(FORMAT_FILE)) throw corrupt(folder, 'was written by an earlier version', null);
  try {
    if (readFileSync(join(folder, FORMAT_FILE), 'latin1') !== FORMAT) {
      throw new FileDamage(join(folder, FORMAT_FILE), 0, 'it does not say what it should');
    }
    await checkFiles(folder);
  } catch (error) {
    if (error instanceof FileDamage) throw corrupt(folder, `is damaged: ${error.message}`, null);
    throw unwritable(folder, error);
  }
}

/** What cannot be noted is no loss: the files are then looked at as after a kill. */
function noteClosed(folder: string): void {
  try {
    const sizes = readdirSync(folder)
      .filter(isDatabaseFile)
      .map((name) => [name, statSync(join(folder, name)).size] as const);
    writeFileSync(join(folder, CLOSED_FILE), closedNote(Object.fromEntries(sizes)), { mode: 0o600 });
  } catch {}
}

function reasonOf(cause: unknown): { readonly code?: string; readonly message?: string } {
  return (cause as { cause?: { code?: string; message?: string } }).cause ?? {};
}

function openError(folder: string, cause: unknown): FatalError | RetryableError {
  const { code, message = '' } = reasonOf(cause);
  if (code === 'LEVEL_LOCKED') {
    const text = `the state in ${folder} is in use by another process; stop it, or set another dataDir`;
    return new FatalError('TRG_STATE_LOCKED', text, { folder }, cause);
  }
  const isRefused = code === 'LEVEL_IO_ERROR' && !/No such file/.test(message);
  return isRefused ? unwritable(folder, cause) : corrupt(folder, 'cannot be opened', cause);
}

function corrupt(folder: string, what: string, cause: unknown): FatalError {
  const text = `the state in ${folder} ${what}; delete that folder to have it rebuilt from its changelog`;
  return new FatalError('TRG_STATE_CORRUPT', text, { folder }, cause);
}

function unwritable(folder: string, cause: unknown): RetryableError {
  const text = `the state in ${folder} cannot be written: free disk space, or give back write access`;
  return new RetryableError('TRG_STATE_UNWRITABLE', text, { folder }, cause);
}
