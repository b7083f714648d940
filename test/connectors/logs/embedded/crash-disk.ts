// A disk in memory whose process can be killed, whose power can be cut, and which can be full or fail, at any operation.
//
// After a kill all that was written is there. After a power cut only what was synced surely is; of the rest, any part of
// each file's writes and the first few of each folder's changes. Its one folder to begin with is /disk.

import type { FileSystem, OpenFile } from '../../../../connectors/logs/embedded/file-system.ts';
import type { Rng } from '../../../../lib/rng.ts';
import type { FolderLock } from '../../../../state/store/folder-lock.ts';

/** Trouble comes in rows: what takes back a failed operation fails as well. */
const FAILS_AGAIN = 0.6;

interface Write {
  readonly position: number;
  /** null: the file was cut to `position`. */
  readonly data: Buffer | null;
}

class Inode {
  durable: Buffer = Buffer.alloc(0);
  current: Buffer = Buffer.alloc(0);
  unsynced: Write[] = [];

  apply(write: Write): void {
    this.unsynced.push(write);
    this.current = applied(this.current, write);
  }

  sync(): void {
    this.durable = this.current;
    this.unsynced = [];
  }
}

type Node = Inode | 'folder';

/** Names that changed together: created, renamed or removed (undefined). */
type FolderChange = readonly (readonly [path: string, node: Node | undefined])[];

export class CrashDisk implements FileSystem {
  readonly #rng: Rng;
  #entries = new Map<string, Node>([['/disk', 'folder']]);
  #durableEntries = new Map<string, Node>([['/disk', 'folder']]);
  #unsyncedFolders = new Map<string, FolderChange[]>();
  /** Operations so far. */
  operations = 0;
  /** The operation at which everything stops. */
  dieAt = Number.POSITIVE_INFINITY;
  /** How likely an operation that changes the disk fails. After one that did, the next fails at FAILS_AGAIN. */
  failureRate = 0;
  #failedLast = false;
  isFull = false;
  /** Operations on files that fail, by name of the operation and path. */
  fails: (operation: 'write' | 'sync' | 'truncate', path: string) => boolean = () => false;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  get isDead(): boolean {
    return this.operations >= this.dieAt;
  }

  /** The same disk after the process was killed. */
  afterKill(): CrashDisk {
    const disk = new CrashDisk(this.#rng);
    disk.#entries = new Map(this.#entries);
    disk.#durableEntries = new Map(this.#durableEntries);
    disk.#unsyncedFolders = new Map([...this.#unsyncedFolders].map(([folder, changes]) => [folder, [...changes]]));
    return disk;
  }

  /** The same disk after its power was cut. */
  afterPowerCut(): CrashDisk {
    const disk = new CrashDisk(this.#rng);
    const entries = new Map(this.#durableEntries);
    for (const changes of this.#unsyncedFolders.values()) {
      const lasting = changes.slice(0, Math.floor(this.#rng.next() * (changes.length + 1)));
      for (const change of lasting) for (const [path, node] of change) set(entries, path, node);
    }
    for (const [path, node] of entries) {
      if (isReachable(entries, path)) disk.#entries.set(path, node === 'folder' ? node : this.#survivor(node));
    }
    disk.#durableEntries = new Map(disk.#entries);
    return disk;
  }

  /** Bytes of a file as they are now. */
  contents(path: string): Buffer | undefined {
    const node = this.#entries.get(path);
    return node instanceof Inode ? node.current : undefined;
  }

  /** Names of all files. */
  get paths(): string[] {
    return [...this.#entries].filter(([, node]) => node !== 'folder').map(([path]) => path);
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    await this.#step(mode === 'create' ? 'write' : 'read');
    let node = this.#entries.get(path);
    if (mode === 'create' && !(node instanceof Inode)) {
      if (this.#entries.get(folderOf(path)) !== 'folder') throw systemError('ENOENT', path);
      node = new Inode();
      this.#change([[path, node]]);
    }
    if (!(node instanceof Inode)) throw systemError('ENOENT', path);
    if (mode === 'create' && node.current.length > 0) node.apply({ position: 0, data: null });
    return this.#file(node, path);
  }

  async size(path: string): Promise<number | undefined> {
    await this.#step('read');
    return this.contents(path)?.length;
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#step('read');
    return [...this.#entries.keys()]
      .filter((path) => path !== folder && folderOf(path) === folder)
      .map((path) => path.slice(folder.length + 1));
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#step('write');
    const missing: string[] = [];
    for (let path = folder; path !== '' && !this.#entries.has(path); path = folderOf(path)) missing.unshift(path);
    for (const path of missing) this.#change([[path, 'folder']]);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('write');
    const node = this.#entries.get(from);
    if (node === undefined) throw systemError('ENOENT', from);
    this.#change([
      [from, undefined],
      [to, node],
    ]);
  }

  async remove(path: string): Promise<void> {
    await this.#step('other');
    if (this.#entries.has(path)) this.#change([[path, undefined]]);
  }

  async syncFolder(folder: string): Promise<void> {
    await this.#step('sync');
    for (const change of this.#unsyncedFolders.get(folder) ?? []) {
      for (const [path, node] of change) set(this.#durableEntries, path, node);
    }
    this.#unsyncedFolders.delete(folder);
  }

  async lock(): Promise<FolderLock> {
    return { release: async () => {} };
  }

  #file(inode: Inode, path: string): OpenFile {
    const check = (operation: 'write' | 'sync' | 'truncate'): void => {
      if (this.fails(operation, path)) throw systemError('EIO', path);
    };
    return {
      read: async (into, position) => {
        await this.#step('read');
        return inode.current.copy(into, 0, position, position + into.length);
      },
      write: async (parts, position) => {
        const data = Buffer.concat(parts);
        try {
          await this.#step('write');
          check('write');
        } catch (error) {
          // Whatever stopped it, some of it may have been written.
          const part = data.subarray(0, Math.floor(this.#rng.next() * (data.length + 1)));
          if (part.length > 0) inode.apply({ position, data: part });
          throw error;
        }
        inode.apply({ position, data });
      },
      sync: async () => {
        await this.#step('sync');
        check('sync');
        inode.sync();
      },
      truncate: async (length) => {
        await this.#step('other');
        check('truncate');
        inode.apply({ position: length, data: null });
      },
      close: async () => {},
    };
  }

  #change(change: FolderChange): void {
    for (const [path, node] of change) set(this.#entries, path, node);
    const folder = folderOf(change[0]![0]);
    const changes = this.#unsyncedFolders.get(folder) ?? [];
    changes.push(change);
    this.#unsyncedFolders.set(folder, changes);
  }

  #survivor(inode: Inode): Inode {
    const survivor = new Inode();
    survivor.durable = inode.unsynced
      .filter(() => this.#rng.next() < 0.5)
      .reduce((content, write) => applied(content, write), inode.durable);
    survivor.current = survivor.durable;
    return survivor;
  }

  async #step(kind: 'read' | 'write' | 'sync' | 'other'): Promise<void> {
    if (this.isDead) throw systemError('EDEAD', 'the process is gone');
    this.operations++;
    if (this.isDead) throw systemError('EDEAD', 'the process is gone');
    if (kind === 'write' && this.isFull) throw systemError('ENOSPC', '');
    if (kind === 'read' || this.failureRate === 0) return;
    this.#failedLast = this.#rng.next() < (this.#failedLast ? FAILS_AGAIN : this.failureRate);
    if (this.#failedLast) throw systemError('EIO', '');
  }
}

function applied(content: Buffer, { position, data }: Write): Buffer {
  const length = data === null ? position : Math.max(content.length, position + data.length);
  const result = Buffer.alloc(length);
  content.copy(result, 0, 0, Math.min(content.length, length));
  data?.copy(result, position);
  return result;
}

function set(entries: Map<string, Node>, path: string, node: Node | undefined): void {
  if (node === undefined) entries.delete(path);
  else entries.set(path, node);
}

function isReachable(entries: ReadonlyMap<string, Node>, path: string): boolean {
  const folder = folderOf(path);
  return folder === '' || (entries.has(folder) && isReachable(entries, folder));
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
