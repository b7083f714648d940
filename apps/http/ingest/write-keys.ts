// Who may send: the write key in Basic (as user name), Bearer, or the body's `writeKey`.
//
// Invariants:
//   K1. How long the answer takes says nothing of the keys: digests of equal length are compared, all of them, in
//       constant time.
//   K2. An Authorization header decides alone; the body is asked only when there is none.

import { createHash, timingSafeEqual } from 'node:crypto';
import { Refusal } from './refusal.ts';

export class WriteKeys {
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digestOf);
  }

  /** The key; null when there is no header, and the body must tell. Throws Refusal (401) for a wrong one. */
  inHeader(authorization: string | undefined): string | null {
    return authorization === undefined ? null : this.#checked(keyOf(authorization));
  }

  /** The key. Throws Refusal (401) when the body has no write key, or a wrong one. */
  inBody(writeKey: unknown): string {
    if (writeKey === undefined || writeKey === null) {
      throw unauthorised('no write key: send it as user name of Basic authorization, as Bearer, or as writeKey');
    }
    return this.#checked(writeKey);
  }

  has(key: string): boolean {
    const digest = digestOf(key);
    let known = false;
    for (const one of this.#digests) known = timingSafeEqual(one, digest) || known;
    return known;
  }

  #checked(key: unknown): string {
    const known = this.has(typeof key === 'string' ? key : '');
    if (!known || typeof key !== 'string') throw unauthorised('the write key is not one of http.writeKeys');
    return key;
  }
}

/** The key of an Authorization header; null when it is of no kind we know. */
export function keyOf(authorization: string): string | null {
  const [, scheme, credentials] = /^(basic|bearer) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || credentials === undefined) return null;
  if (scheme.toLowerCase() === 'bearer') return credentials;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? text : text.slice(0, colon);
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unauthorised(message: string): Refusal {
  return new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', message);
}
