// Who a browser or app speaks for: a JSON Web Token that the site's own server made for its user.
//
// Invariants:
//   U1. HS256 with the inbox's secret and nothing else, whatever the token says of itself.
//   U2. A token that has expired is as none.

import { errors, jwtVerify } from 'jose';
import type { Clock } from '../../../lib/clock.ts';
import { Refusal } from '../ingest/refusal.ts';
import { keyOf } from '../ingest/write-keys.ts';

export interface TokenUser {
  readonly user: string;
  /** When the token ends, ms; Infinity: never. */
  readonly until: number;
}

export class UserTokens {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  constructor(secret: string, clock: Clock) {
    this.#key = Buffer.from(secret, 'utf8');
    this.#clock = clock;
  }

  /** The token of Authorization: Bearer, else of `?token=`. Throws Refusal (401) without a good one. */
  async user(authorization: string | undefined, query: unknown): Promise<TokenUser> {
    const inQuery = (query as { readonly token?: unknown } | null)?.token;
    const token = authorization === undefined ? inQuery : keyOf(authorization);
    if (typeof token !== 'string' || token === '') {
      throw refused('no user token: send one as Authorization: Bearer TOKEN, or as ?token=');
    }
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['sub'],
        currentDate: new Date(this.#clock.now()),
      });
      const { sub, exp } = payload;
      if (typeof sub !== 'string' || sub === '') throw refused('the user token names no user (sub)');
      return { user: sub, until: exp === undefined ? Infinity : exp * 1_000 };
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw refused(error instanceof errors.JWTExpired ? 'the user token has expired' : 'the user token is not good');
    }
  }
}

function refused(message: string): Refusal {
  return new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', message);
}
