// KeyValueStore on LevelDB. The only importer of classic-level.
//
// Invariants:
//   L1. One write is atomic (LevelDB's own log); it is not synced to disk, since the changelog can rebuild it.
//   L2. A database found damaged is never read on: it is refused, or, for an owner who can rebuild it, begun anew.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { assert } from '../../lib/assert.ts';
import { FatalError, RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore, StoreEntry, StoreWrite } from './api.ts';

/** Bytes of LevelDB's block cache and memtable per task. Small: hot documents are cached above, decoded. */
const CACHE_BYTES = 8 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;

/** Before and after every key: none begins with 0 or 255 (key-codec.ts). Not empty: see write(). */
const FIRST_KEY = Uint8Array.of(0);
const LAST_KEY = Uint8Array.of(255);

/** A file of this name in the folder says that its database was found damaged. */
const DAMAGED = 'DAMAGED';

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const;

export class LevelStore implements KeyValueStore {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>;

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
      rmSync(folder, { recursive: true, force: true });
      return LevelStore.#open(folder);
    }
  }

  static async #open(folder: string): Promise<LevelStore> {
    mkdirSync(folder, { recursive: true });
    if (existsSync(join(folder, DAMAGED))) throw corrupt(folder, 'was found damaged', null);
    const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
      ...BYTES,
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    try {
      await database.open();
    } catch (cause) {
      const reason = (cause as { cause?: { code?: string; message?: string } }).cause;
      if (reason?.code === 'LEVEL_LOCKED') {
        throw new FatalError(
          'TRG_STATE_LOCKED',
          `the state in ${folder} is in use by another process; stop it, or set another dataDir`,
          { folder },
          cause,
        );
      }
      if (reason?.code === 'LEVEL_IO_ERROR' && !/No such file/.test(reason.message ?? '')) {
        throw unwritable(folder, cause);
      }
      throw corrupt(folder, 'cannot be opened', cause);
    }
    return new LevelStore(database);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(key);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  async range(from: Uint8Array, to: Uint8Array, limit: number): Promise<readonly StoreEntry[]> {
    const iterator = this.#database.iterator({ gte: from, lt: to, limit });
    try {
      const entries: StoreEntry[] = [];
      while (entries.length < limit) {
        const some = await iterator.nextv(Math.min(1_000, limit - entries.length));
        if (some.length === 0) break;
        for (const [key, value] of some) entries.push({ key, value });
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
        chained.put(key, value);
      }
    }
    try {
      await chained.write();
    } catch (cause) {
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
    await this.#database.close();
  }

  /** Damage that shows only now is noted for the next open (L2), which a restart of the engine comes to by itself. */
  #unreadable(cause: unknown): unknown {
    const { code } = cause as { code?: string };
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return cause;
    const folder = this.#database.location;
    if (code === 'LEVEL_CORRUPTION') writeFileSync(join(folder, DAMAGED), '');
    return new RetryableError('TRG_STATE_CORRUPT', `the state in ${folder} cannot be read`, { folder }, cause);
  }
}

function corrupt(folder: string, what: string, cause: unknown): FatalError {
  const text = `the state in ${folder} ${what}; delete that folder to have it rebuilt from its changelog`;
  return new FatalError('TRG_STATE_CORRUPT', text, { folder }, cause);
}

function unwritable(folder: string, cause: unknown): RetryableError {
  const text = `the state in ${folder} cannot be written: free disk space, or give back write access`;
  return new RetryableError('TRG_STATE_UNWRITABLE', text, { folder }, cause);
}
