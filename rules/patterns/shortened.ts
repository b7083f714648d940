// Values that are kept only to be told apart.

import { hash } from 'node:crypto';

/** As it is when short, else a hash of nine bytes, which tells ten thousand values of an entity apart. */
const LENGTH_MAX = 12;

export function shortened(value: string): string {
  return value.length <= LENGTH_MAX ? value : hash('sha256', value, 'base64url').slice(0, LENGTH_MAX);
}
