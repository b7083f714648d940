// The data folder is its owner's alone: it has personal data.
//
// Invariants:
//   P1. What this process makes from then on is 0700 or 0600, LevelDB's files included: by the process's umask.
//   P2. What others may read of before is tightened, and that is said once.

import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

const OTHERS = 0o077;
/** What a worker keeps there; what else there is in a folder that somebody chose is not for us to change. */
const OURS = new Set(['log', 'state', 'socket', 'lock', 'owner.json', 'worker-name', 'history.json']);

/** Makes the folder when it is missing. Throws FatalError TRG_STATE_UNWRITABLE. */
export function keepPrivate(folder: string, logger: Logger): void {
  // Only the main thread may, and it stands for all.
  process.umask(OTHERS);
  try {
    mkdirSync(folder, { recursive: true });
    const ours = readdirSync(folder).filter((name) => OURS.has(name));
    const tightened = ours.reduce((sum, name) => sum + tighten(join(folder, name), true), tighten(folder, false));
    if (tightened > 0) {
      logger.warn(
        { folder, files: tightened },
        'others could read the data folder: it is its owner’s alone from now on',
      );
    }
  } catch (cause) {
    const { code, path = folder } = cause as NodeJS.ErrnoException;
    throw new FatalError(
      'TRG_STATE_UNWRITABLE',
      `${path} ${adviceFor(code)}`,
      { file: path, cause: code ?? null },
      cause,
    );
  }
}

/** Returns how many files and folders it was. Symbolic links are left alone, and where they lead is not gone into. */
function tighten(path: string, withContent: boolean): number {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return 0;
  let count = 0;
  if ((entry.mode & OTHERS) !== 0) {
    chmodSync(path, entry.mode & ~OTHERS & 0o7777);
    count++;
  }
  if (!withContent || !entry.isDirectory()) return count;
  for (const name of readdirSync(path)) count += tighten(join(path, name), true);
  return count;
}

function adviceFor(code: string | undefined): string {
  if (code === 'EROFS')
    return 'is on a file system that is read-only: mount it writable, or set dataDir to a folder that is';
  if (code === 'EACCES' || code === 'EPERM') {
    return "cannot be written or made its owner's alone: give this user the folder (chown), or set another dataDir";
  }
  return `cannot be made or written (${code ?? 'unknown error'}): mend that, or set another dataDir`;
}
