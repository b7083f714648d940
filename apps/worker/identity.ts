// Who a worker is among those of its application: the name it keeps over restarts, so that it takes its old place, and
// what it has of the application's state on disk.
//
// Invariants:
//   Z2. One process at a time has a data folder, and with it a name: of two with one name, each would fence the other.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FatalError } from '../../lib/errors.ts';
import { newId } from '../../lib/rng.ts';
import type { Config } from '../../services/config/index.ts';
import { stateFolder } from '../../services/job/open-log.ts';
import { type FolderLock, lockFolder } from '../../state/store/folder-lock.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { readChangelogNote } from '../../topology/engine/task-note.ts';

export interface WorkerIdentity {
  /** Names the process in the group and in transactional ids. */
  readonly name: string;
  /** Changelog offset of each task's state on disk, by task id. */
  readonly onDisk: ReadonlyMap<string, number>;
}

/** Takes the worker's data folder for itself, until released (Z2). Throws FatalError TRG_LOG_LOCKED. */
export async function lockDataDir({ dataDir }: Config): Promise<FolderLock> {
  await mkdir(dataDir, { recursive: true });
  return lockFolder(dataDir);
}

const NAME_FILE = 'worker-name';
const NAME_LENGTH = 12;
const NAME = /^[0-9a-f]{12}$/;

/** Throws FatalError TRG_STATE_UNWRITABLE. */
export async function identify(config: Config): Promise<WorkerIdentity> {
  const name = config.group.instanceId ?? (await keptName(config.dataDir));
  return { name, onDisk: await offsetsOnDisk(config) };
}

async function keptName(dataDir: string): Promise<string> {
  const file = join(dataDir, NAME_FILE);
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  // A damaged name would be a new one that the group keeps for ever; a new one that we made is forgotten in time.
  if (NAME.test(kept)) return kept;
  const name = newId().replaceAll('-', '').slice(0, NAME_LENGTH);
  try {
    await mkdir(dataDir, { recursive: true });
    await writeFile(file, `${name}\n`);
  } catch (error) {
    throw new FatalError('TRG_STATE_UNWRITABLE', `${file} cannot be written`, { file }, error);
  }
  return name;
}

/** A folder that cannot be opened counts as empty: whoever needs it says what is wrong with it. */
async function offsetsOnDisk(config: Config): Promise<ReadonlyMap<string, number>> {
  const offsets = new Map<string, number>();
  const folders = await readdir(stateFolder(config, ''), { withFileTypes: true }).catch(() => []);
  for (const { name } of folders.filter((entry) => entry.isDirectory())) {
    const store = await LevelStore.open(stateFolder(config, name)).catch(() => null);
    if (store === null) continue;
    offsets.set(name, readChangelogNote(store));
    await store.close();
  }
  return offsets;
}
