// Signs messages as Standard Webhooks 1.0 says: https://github.com/standard-webhooks/standard-webhooks

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

const PREFIX = 'whsec_';

/**
 * The key of a secret: after `whsec_` it is base64, any other secret is taken as its bytes; null when it is neither. An object of
 * the library, since making one of the bytes costs more than a signature.
 */
export function secretKey(secret: string): KeyObject | null {
  if (!secret.startsWith(PREFIX)) return secret === '' ? null : createSecretKey(secret, 'utf8');
  const encoded = secret.slice(PREFIX.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  return createSecretKey(encoded, 'base64');
}

export interface SignedParts {
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: string;
}

/** The value of `webhook-signature`: one signature a key, so that a receiver may hold the old one or the new. */
export function signatureOf({ id, timestampSeconds, body }: SignedParts, keys: readonly KeyObject[]): string {
  return keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`)
    .join(' ');
}
