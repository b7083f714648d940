// What state takes on disk.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { dueRange } from '../state/store/key-codec.ts';

/** Bytes of all files below `folder`; those that go meanwhile count nothing. */
export function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return sum + (file?.isFile() ? file.size : 0);
  }, 0);
}

/** Estimated bytes of the rows of what is due, in the database in `folder`, which nobody has open. */
export async function dueIndexBytes(folder: string): Promise<number> {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
  await database.open();
  const { from, to } = dueRange();
  const bytes = await database.approximateSize(from, to);
  await database.close();
  return bytes;
}
