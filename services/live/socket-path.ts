// Where a worker's socket is, and reaching it however long its path is.
//
// The system takes some hundred bytes for the path of a socket. A longer one goes through a symbolic link in a temporary folder
// that nobody else may enter; it is needed only while the socket is bound or connected to, so nothing depends on its staying.

import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** macOS and the BSDs take 104 bytes, Linux 108, each with a zero at the end (sockaddr_un.sun_path). */
const PATH_BYTES_MAX = 103;

/** The folder is the worker's own: nobody else may enter it. */
export function socketFolder(dataDir: string): string {
  return join(dataDir, 'socket');
}

export function socketFile(dataDir: string): string {
  return join(socketFolder(dataDir), 'worker.sock');
}

/** Calls `use` with a path of the same file that is short enough. Throws what `use` and the temporary folder throw. */
export async function withShortPath<Result>(file: string, use: (path: string) => Promise<Result>): Promise<Result> {
  if (Buffer.byteLength(file) <= PATH_BYTES_MAX) return use(file);
  const folder = await mkdtemp(join(tmpdir(), 'tl-'));
  try {
    const link = join(folder, 's');
    await symlink(dirname(file), link);
    return await use(join(link, basename(file)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
