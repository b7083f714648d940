// One process at a time may have a data folder open.
//
// LevelDB's own lock is used, because Node offers no file locks: the kernel holds it, so it goes with the process
// however that dies, is right across containers that share the folder, and needs no guess whether a process id in a
// file is still the same process. owner.json beside it only tells people whose it is.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, FatalError, RetryableError } from '../../lib/errors.ts';
import { LevelStore } from './level-store.ts';

/** The file that LevelDB locks. Its name is LevelDB's. */
const LOCK_FILE = 'LOCK';

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of `folder`, which exists. Throws FatalError TRG_LOG_LOCKED naming the process that has it, RetryableError
 * TRG_STATE_UNWRITABLE.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const ownerFile = ownerFileOf(folder);
  try {
    const store = await openStore(join(folder, 'lock'));
    try {
      await writeFile(ownerFile, `${JSON.stringify({ pid: process.pid })}\n`);
    } catch (error) {
      await store.close();
      throw writeError(error, ownerFile);
    }
    return {
      async release() {
        await rm(ownerFile, { force: true });
        await store.close();
      },
    };
  } catch (error) {
    throw isLocked(error) ? lockedError(folder, await folderOwner(folder), error) : error;
  }
}

function ownerFileOf(folder: string): string {
  return join(folder, 'owner.json');
}

async function openStore(path: string): Promise<LevelStore> {
  try {
    return await LevelStore.open(path);
  } catch (error) {
    if (isLocked(error)) throw error;
    // A power cut may have left LevelDB's files half made. There is nothing in them; only the locked file must stay the
    // same one, or two processes could each lock a file of their own.
    for (const name of await readdir(path).catch(() => [])) {
      if (name !== LOCK_FILE) await rm(join(path, name), { recursive: true, force: true });
    }
    return LevelStore.open(path).catch((again: unknown) => {
      throw isLocked(again) ? again : writeError(rootOf(again), path);
    });
  }
}

function writeError(error: unknown, path: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const message = `${path} cannot be written (${code}): free disk space, or give back write access`;
  return new RetryableError('TRG_STATE_UNWRITABLE', message, { file: path, cause: code }, error);
}

function lockedError(folder: string, pid: number | null, cause: unknown): FatalError {
  const isOurs = pid === process.pid;
  const who =
    pid === null ? 'another process has' : isOurs ? `this process (${pid}) already has` : `process ${pid} has`;
  const stop = pid === null || isOurs ? 'Stop it' : `Stop it (kill ${pid})`;
  return new FatalError(
    'TRG_LOG_LOCKED',
    `${who} the data folder ${folder} open. ${stop}, or give this one another dataDir; reading decisions works meanwhile`,
    { folder, pid },
    cause,
  );
}

/** Process that says it has the folder; null: none does. To be told to people, and not to be relied on. */
export async function folderOwner(folder: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(ownerFileOf(folder), 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'TRG_STATE_LOCKED';
}

/** What LevelDB or the system itself said. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}
