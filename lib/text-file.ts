// Files that somebody wrote, as text: UTF-8, or UTF-16 when they say so by a byte order mark; anything else is refused.
//
// Owns: reading them, the place of what is no text. Does not own: what the text means.

import { readPlainFile } from './plain-file.ts';
import type { Problem } from './problem.ts';
import { encodingOf, findNotUtf8, Utf8Writer } from './text-encoding.ts';

/** The file holds bytes that are no text. */
export class NotTextError extends Error {
  override name = 'NotTextError';
  /** From 1; the column counts bytes. */
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** What to do about it. */
const MEND = 'save the file as UTF-8; it may be windows-1252 (ANSI)';

/** Without the byte order mark. Throws NotTextError, and what readPlainFile throws. */
export function readTextFile(file: string): string {
  const read = readPlainFile(file);
  const writer = new Utf8Writer(encodingOf(read));
  const bytes = Buffer.concat([writer.write(read), writer.end()]);
  const found = findNotUtf8(bytes);
  if (found === null) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  const before = bytes.subarray(0, found.at);
  const line = before.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 1);
  const column = found.at - before.lastIndexOf(0x0a);
  throw new NotTextError(`byte ${found.at + 1} of the file is not UTF-8: ${found.hex}`, line, column);
}

/** The mistake of a file that is no text, or null when `error` is something else. `file` as the user gave it. */
export function notTextProblem(error: unknown, file: string): Problem | null {
  if (!(error instanceof NotTextError)) return null;
  const { line, column, message } = error;
  return { file, line, column, message, hint: MEND };
}
