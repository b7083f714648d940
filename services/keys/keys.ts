// API keys: making one, and what is kept of it.
//
// A key is 256 random bits, shown once. The configuration has its hash alone, from which nobody gets back to the key; of so much
// randomness a plain SHA-256 gives nothing away, where a password would need a slow hash with salt.

import { createHash, timingSafeEqual } from 'node:crypto';
import { newSecret } from '../../lib/rng.ts';

export const ROLES = ['viewer', 'editor', 'approver', 'admin'] as const;
/** Each may see what a viewer sees. */
export type Role = (typeof ROLES)[number];

/** What `http.keys` of the configuration has of a key. */
export interface KeyEntry {
  readonly name: string;
  /** `sha256:` and 64 hex digits: of the key's text. */
  readonly hash: string;
  readonly roles: readonly Role[];
  /** ISO-8601; left out: never. */
  readonly expires?: string;
}

export interface CreatedKey extends KeyEntry {
  /** What requests show; kept nowhere. */
  readonly key: string;
}

/** So that whoever finds a key knows what it is for. */
const PREFIX = 'tripline_';

/** `expires`: ms since 1970; null: never. */
export function createKey(name: string, roles: readonly Role[], expires: number | null): CreatedKey {
  const key = `${PREFIX}${newSecret()}`;
  const until = expires === null ? {} : { expires: new Date(expires).toISOString() };
  return { name, hash: hashOfKey(key), roles, ...until, key };
}

export function hashOfKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** In a time that says nothing of where they differ; both are of hashOfKey's form. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
