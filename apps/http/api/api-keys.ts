// Who may use the management API: one of `http.keys`, as Bearer or as user name of Basic authorization.
//
// Invariants:
//   A1. How long the answer takes says nothing of the keys: the digests of all of them are compared, in constant time.
//   A2. A key that has expired is as none.

import type { Clock } from '../../../lib/clock.ts';
import { parseInstant } from '../../../lib/instant.ts';
import { hashOfKey, isSameHash, type KeyEntry, type Role } from '../../../services/keys/keys.ts';
import { Refusal } from '../ingest/refusal.ts';
import { keyOf, type WriteKeys } from '../ingest/write-keys.ts';

/** Whoever asks. */
export interface Caller {
  readonly name: string;
  readonly roles: readonly Role[];
}

export class ApiKeys {
  readonly #entries: readonly (KeyEntry & { readonly until: number })[];
  readonly #writeKeys: WriteKeys;
  readonly #clock: Clock;

  constructor(entries: readonly KeyEntry[], writeKeys: WriteKeys, clock: Clock) {
    this.#entries = entries.map((entry) => ({
      ...entry,
      until: entry.expires === undefined ? Infinity : parseInstant(entry.expires),
    }));
    this.#writeKeys = writeKeys;
    this.#clock = clock;
  }

  /** The caller, who may see what a viewer sees. Throws Refusal: 401 without a key that is known, 403 for a write key. */
  viewer(authorization: string | undefined): Caller {
    const key = authorization === undefined ? null : keyOf(authorization);
    if (key === null) throw refused('no API key: send one as Authorization: Bearer KEY');
    const hash = hashOfKey(key);
    let found: Caller | null = null;
    let hasExpired = false;
    for (const { name, roles, hash: known, until } of this.#entries) {
      if (!isSameHash(known, hash)) continue;
      if (until <= this.#clock.now()) hasExpired = true;
      else found = { name, roles };
    }
    if (found !== null) return found;
    if (this.#writeKeys.has(key)) {
      throw new Refusal(
        403,
        'TRG_HTTP_FORBIDDEN',
        'a write key sends events and nothing else: this needs the role viewer',
      );
    }
    throw refused(hasExpired ? 'the API key has expired' : 'the API key is not one of http.keys');
  }

  /** The caller, who has this role, or is an admin. Throws Refusal as viewer() does, and 403 for a key without it. */
  holder(authorization: string | undefined, role: Role): Caller {
    const caller = this.viewer(authorization);
    if (caller.roles.includes(role) || caller.roles.includes('admin')) return caller;
    throw new Refusal(403, 'TRG_HTTP_FORBIDDEN', `this needs the role ${role}, which the key "${caller.name}" has not`);
  }
}

function refused(message: string): Refusal {
  return new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', message);
}
