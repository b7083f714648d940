// Reads files that people put into a folder: only what is a file. A pipe would be waited for, for ever, and a device may have no
// end.

import { readFileSync, statSync } from 'node:fs';

/** Throws an Error that says why in a few words, without the path; the system's is its cause. */
export function readPlainFile(path: string): Buffer {
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
  } catch (cause) {
    throw new Error(whyNot(cause), { cause });
  }
  if (!isFile) throw new Error('it is not a file but a pipe, a socket, a device or a folder');
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(whyNot(cause), { cause });
  }
}

/** Why the system did not open or look at something, in a few words. */
export function whyNot(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ELOOP') return 'it is a symbolic link that leads back to itself';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  return code ?? 'unknown error';
}
