// Open files, kept for the next use, bounded in number.
//
// Invariants:
//   H1. At most `limit` files are open at a time, besides those in use at that moment.

import type { FileSystem, OpenFile } from './file-system.ts';

/** Far below the usual limit of 1,024 descriptors per process, which LevelDB, sockets and threads need too. */
export const OPEN_FILES_MAX = 256;

interface Entry {
  readonly file: Promise<OpenFile>;
  readonly writable: boolean;
  users: number;
  /** Dropped while in use: the last user closes it. */
  dropped: boolean;
}

export class OpenFiles {
  readonly #fileSystem: FileSystem;
  readonly #limit: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(fileSystem: FileSystem, limit: number = OPEN_FILES_MAX) {
    this.#fileSystem = fileSystem;
    this.#limit = limit;
  }

  /** Opens the file unless it is open, and keeps it open while `work` runs. */
  async use<Result>(
    path: string,
    mode: 'read' | 'write' | 'create',
    work: (file: OpenFile) => Promise<Result>,
  ): Promise<Result> {
    const entry = this.#entry(path, mode);
    entry.users++;
    try {
      return await work(await entry.file);
    } finally {
      entry.users--;
      if (entry.dropped && entry.users === 0) await closeQuietly(entry);
      await this.#trim();
    }
  }

  /** Closes the file, or has its last user close it. */
  async drop(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry !== undefined) await this.#drop(path, entry);
  }

  async close(): Promise<void> {
    for (const [path, entry] of [...this.#entries]) await this.#drop(path, entry);
  }

  #entry(path: string, mode: 'read' | 'write' | 'create'): Entry {
    let entry = this.#entries.get(path);
    this.#entries.delete(path);
    if (entry === undefined || mode === 'create' || (mode === 'write' && !entry.writable)) {
      if (entry !== undefined) {
        entry.dropped = true;
        if (entry.users === 0) void closeQuietly(entry);
      }
      entry = { file: this.#fileSystem.open(path, mode), writable: mode !== 'read', users: 0, dropped: false };
      const opened = entry;
      // A file that could not be opened is tried again next time.
      opened.file.catch(() => {
        if (this.#entries.get(path) === opened) this.#entries.delete(path);
      });
    }
    this.#entries.set(path, entry);
    return entry;
  }

  async #trim(): Promise<void> {
    for (const [path, entry] of this.#entries) {
      if (this.#entries.size <= this.#limit) return;
      if (entry.users === 0) await this.#drop(path, entry);
    }
  }

  async #drop(path: string, entry: Entry): Promise<void> {
    if (this.#entries.get(path) === entry) this.#entries.delete(path);
    if (entry.dropped) return;
    entry.dropped = true;
    if (entry.users === 0) await closeQuietly(entry);
  }
}

/** What had to be on disk has been synced before; nobody waits for the outcome of a close. */
async function closeQuietly(entry: Entry): Promise<void> {
  await entry.file.then((file) => file.close()).catch(() => {});
}
