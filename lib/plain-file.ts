// Reads files that people put into a folder: only what is a file. A pipe would be waited for, for ever, and a device may have no
// end.
//
// Edge `file`: a file of rules, templates, segments, models or settings is read.
//   throws: refused by name with the reason, together with all other mistakes; a worker that runs keeps its rules (`rules`)
//   rejects: cannot: these files are read synchronously
//   hangs: cannot: what is no file, such as a pipe or a device, is refused before it is opened
//   too large: refused above 16 MiB
//   behind: lib/text-file.ts, lib/path-or-text.ts, lib/yaml-source.ts, services/project/, services/config/,
//     connectors/channels/templates/, rules/language/, connectors/sources/files/csv-mapping.ts

import { readFileSync, type Stats, statSync } from 'node:fs';

/** What a person writes has some KB; a file of events in the wrong folder has more. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** Throws an Error that says why in a few words, without the path; the system's is its cause. */
export function readPlainFile(path: string): Buffer {
  let found: Stats;
  try {
    found = statSync(path);
  } catch (cause) {
    throw new Error(whyNot(cause), { cause });
  }
  if (!found.isFile()) throw new Error('it is not a file but a pipe, a socket, a device or a folder');
  if (found.size > FILE_BYTES_MAX) {
    throw new Error(`it has ${found.size} bytes, at most ${FILE_BYTES_MAX} are read`);
  }
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
