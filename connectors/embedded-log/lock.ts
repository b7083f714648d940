// One process at a time may have a data folder open.
//
// LevelDB's own lock is used, because Node offers no file locks: the kernel holds it, so it goes with the process
// however that dies, is right across containers that share the folder, and needs no guess whether a process id in a
// file is still the same process. owner.json beside it only tells people whose it is.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, FatalError } from '../../lib/errors.ts';
import { LevelStore } from '../../state/level-store.ts';
import type { FolderLock } from './file-system.ts';

/** Takes the lock of `folder`, which exists. Throws FatalError TRG_LOG_LOCKED naming the process that has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const ownerFile = join(folder, 'owner.json');
  const store = await LevelStore.open(join(folder, 'lock')).catch(async (error: unknown) => {
    if (!isLocked(error)) throw error;
    throw await lockedError(folder, ownerFile, error);
  });
  try {
    await writeFile(ownerFile, `${JSON.stringify({ pid: process.pid })}\n`);
  } catch (error) {
    await store.close();
    throw error;
  }
  return { release: () => store.close() };
}

async function lockedError(folder: string, ownerFile: string, cause: unknown): Promise<FatalError> {
  const pid = await ownerPid(ownerFile);
  const who =
    pid === null ? 'another process' : pid === process.pid ? `this process (${pid}) already` : `process ${pid}`;
  return new FatalError(
    'TRG_LOG_LOCKED',
    `${who} has the data folder ${folder} open. Stop it${pid === null || pid === process.pid ? '' : ` (kill ${pid})`}, or give this one another dataDir; reading decisions works meanwhile`,
    { folder, pid },
    cause,
  );
}

async function ownerPid(ownerFile: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(ownerFile, 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}

function isLocked(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof EngineError) && (cause as NodeJS.ErrnoException).code === 'LEVEL_LOCKED') return true;
  }
  return false;
}
