// A setting that is the path of a file, or what would be in the file: keys, certificates, service accounts.
//
// Invariants:
//   P1. What begins as JSON or PEM does, or has a line break, is text; anything else is a path.

import { readFileSync } from 'node:fs';
import { FatalError } from './errors.ts';

/** P1 */
export function isText(value: string): boolean {
  return /^\s*(\{|-----BEGIN )/.test(value) || value.trim().includes('\n');
}

/** The text itself, or the file's. `name`: of the setting. Throws FatalError TRG_CONFIG_INVALID when it cannot be read. */
export function textOf(name: string, value: string): string {
  if (isText(value)) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch (error) {
    // The path is not named: a secret given in its place would be.
    const { code } = error as NodeJS.ErrnoException;
    throw new FatalError('TRG_CONFIG_INVALID', `channels.${name}: the file cannot be read: ${code ?? 'no such path'}`);
  }
}
