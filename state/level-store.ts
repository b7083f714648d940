// KeyValueStore on LevelDB. The only importer of classic-level.
//
// Invariants:
//   L1. One write is atomic (LevelDB's own log); it is not synced to disk, since the changelog can rebuild it.

import { mkdirSync } from 'node:fs';
import { ClassicLevel } from 'classic-level';
import { FatalError, RetryableError } from '../lib/errors.ts';
import type { KeyValueStore, StoreEntry, StoreWrite } from './api.ts';

/** Bytes of LevelDB's block cache and memtable per task. Small: hot documents are cached above, decoded. */
const CACHE_BYTES = 8 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;

/** Before and after every key: none begins with 255 (key-codec.ts). */
const FIRST_KEY = new Uint8Array(0);
const LAST_KEY = Uint8Array.of(255);

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const;

export class LevelStore implements KeyValueStore {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>;

  private constructor(database: ClassicLevel<Uint8Array, Uint8Array>) {
    this.#database = database;
  }

  /** Opens or makes the database in `folder`. Throws FatalError TRG_STATE_LOCKED, TRG_STATE_CORRUPT. */
  static async open(folder: string): Promise<LevelStore> {
    mkdirSync(folder, { recursive: true });
    const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
      ...BYTES,
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    try {
      await database.open();
    } catch (cause) {
      if (isLocked(cause)) {
        throw new FatalError(
          'TRG_STATE_LOCKED',
          `the state in ${folder} is in use by another process; stop it, or set another dataDir`,
          { folder },
          cause,
        );
      }
      throw new FatalError(
        'TRG_STATE_CORRUPT',
        `the state in ${folder} cannot be opened; delete that folder to have it rebuilt from its changelog`,
        { folder },
        cause,
      );
    }
    return new LevelStore(database);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#database.getSync(key);
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
    } finally {
      await iterator.close();
    }
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    const chained = this.#database.batch();
    for (const { key, value } of batch) {
      if (value === null) chained.del(key);
      else chained.put(key, value);
    }
    try {
      await chained.write();
    } catch (cause) {
      throw new RetryableError(
        'TRG_STATE_UNWRITABLE',
        `the state in ${this.#database.location} cannot be written: free disk space, or give back write access`,
        { folder: this.#database.location },
        cause,
      );
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
}

function isLocked(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code === 'LEVEL_LOCKED';
}
