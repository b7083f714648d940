// The disk behind an interface, so that tests can fill it, break it and cut its power.
//
// Owns: the interface and Node's disk. Errors are the system's own (code ENOSPC, EIO, ENOENT…).

import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { type FolderLock, lockFolder } from '../../../state/store/folder-lock.ts';

export interface OpenFile {
  /** Reads into all of `into` unless the file ends before; returns how many bytes it got. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `parts`, one after another. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** What was written is on disk once it resolves, and so is the file's length. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** `create` empties a file that exists. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile>;
  /** Length in bytes; undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Names in a folder; none when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** With its parents. */
  makeFolder(folder: string): Promise<void>;
  /** Replaces `to`, atomically. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens when there is no such file. */
  remove(path: string): Promise<void>;
  /** Creations, renames and removals in it are on disk once it resolves. */
  syncFolder(folder: string): Promise<void>;
  /** Throws FatalError TRG_LOG_LOCKED. */
  lock(folder: string): Promise<FolderLock>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);
const writev = promisify(fs.writev);
const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);
const FLAGS = { read: 'r', write: 'r+', create: 'w+' } as const;

/** IOV_MAX on Linux: more parts in one call are refused. */
const PARTS_MAX = 1024;

export const nodeFileSystem: FileSystem = {
  open: async (path, mode) => new NodeFile(await open(path, FLAGS[mode])),

  async size(path) {
    try {
      return (await fs.promises.stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },

  async list(folder) {
    try {
      return await fs.promises.readdir(folder);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },

  async makeFolder(folder) {
    await fs.promises.mkdir(folder, { recursive: true });
  },

  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.rm(path, { force: true }),

  async syncFolder(folder) {
    const fd = await open(folder, 'r');
    try {
      await fsync(fd);
    } finally {
      await close(fd);
    }
  },

  lock: lockFolder,
};

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** On a plain descriptor: FileHandle costs about twice as much a call. */
class NodeFile implements OpenFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let got = 0;
    while (got < into.length) {
      const { bytesRead } = await read(this.#fd, into, got, into.length - got, position + got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    return got;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let rest = parts.filter((part) => part.length > 0);
    while (rest.length > 0) {
      let { bytesWritten } = await writev(this.#fd, rest.slice(0, PARTS_MAX), position);
      position += bytesWritten;
      // A nearly full disk takes a part of it; the next call then says why.
      let done = 0;
      while (done < rest.length && bytesWritten >= rest[done]!.length) bytesWritten -= rest[done++]!.length;
      rest = rest.slice(done);
      if (bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten);
    }
  }

  sync(): Promise<void> {
    return fdatasync(this.#fd);
  }

  truncate(length: number): Promise<void> {
    return ftruncate(this.#fd, length);
  }

  close(): Promise<void> {
    return close(this.#fd);
  }
}
