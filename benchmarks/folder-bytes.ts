// What a folder takes on disk.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of all files below `folder`; those that go meanwhile count nothing. */
export function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return sum + (file?.isFile() ? file.size : 0);
  }, 0);
}
