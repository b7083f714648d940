// Tokens of OAuth 2.0's client credentials grant (RFC 6749, 4.4), and requests that carry them.
//
// Owns: getting a token, keeping it while it is good, getting another where it is refused. Does not own: the request itself.
//
// Invariants:
//   O1. Neither token nor client secret is in an error.
//   O2. One request for a token at a time, however many messages wait for it.
//   O3. A request whose token is refused (401) is made once more with a new one, and then its answer counts.

import type { Clock } from '../../lib/clock.ts';
import { jsonObjectOf } from '../../schemas/json.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Separated by spaces. */
  readonly scope?: string;
  /** Whom the token is for, where the provider wants to be told (not in the RFC; Auth0 and others). */
  readonly audience?: string;
}

/** There is no token. */
export class TokenError extends Error {
  override name = 'TokenError';
}

/** A token is renewed once this much of its life has passed, so that none expires on its way. */
const RENEW_AFTER = 0.8;
/** Of an answer without `expires_in`. */
const LIFE_MS = 60_000;
const NEVER_ABORTED = new AbortController().signal;

export class ClientCredentialsTokens {
  readonly #credentials: ClientCredentials;
  readonly #client: HttpClient;
  readonly #clock: Clock;
  #token = '';
  #goodUntil = Number.NEGATIVE_INFINITY;
  #pending: Promise<string> | null = null;

  constructor(credentials: ClientCredentials, client: HttpClient, clock: Clock) {
    this.#credentials = credentials;
    this.#client = client;
    this.#clock = clock;
  }

  /** `send` with the header that carries a token (O3). Rejects with TokenError, and with what `send` rejects with. */
  async authorized(send: (headers: Readonly<Record<string, string>>) => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const token = await this.#current();
    const answer = await send({ authorization: `Bearer ${token}` });
    if (answer.status !== 401) return answer;
    // Others may have found out before.
    if (this.#token === token) this.#goodUntil = Number.NEGATIVE_INFINITY;
    return send({ authorization: `Bearer ${await this.#current()}` });
  }

  async #current(): Promise<string> {
    if (this.#clock.now() < this.#goodUntil) return this.#token;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #renew(): Promise<string> {
    const { host } = new URL(this.#credentials.tokenUrl);
    let answer: HttpAnswer;
    try {
      // Nobody's signal: whoever waits beside the first must not lose the token with it. The exchange is bounded itself.
      answer = await this.#client.post(requestOf(this.#credentials), NEVER_ABORTED);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      throw new TokenError(`the token endpoint ${host} cannot be reached: ${code ?? message}`);
    }
    const { access_token: token, expires_in: seconds, error } = jsonObjectOf(answer.text) ?? {};
    // What a header cannot hold is no token (RFC 6750, 2.1).
    if (answer.status !== 200 || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      const reason = typeof error === 'string' && /^[\w.-]{1,100}$/.test(error) ? error : 'no token in its answer';
      throw new TokenError(`the token endpoint ${host} answered ${answer.status} (${reason})`);
    }
    const lifeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : LIFE_MS;
    this.#token = token;
    this.#goodUntil = this.#clock.now() + RENEW_AFTER * lifeMs;
    return token;
  }
}

function requestOf({ tokenUrl, clientId, clientSecret, scope, audience }: ClientCredentials) {
  const fields = { ...(scope !== undefined && { scope }), ...(audience !== undefined && { audience }) };
  const basic = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return {
    url: tokenUrl,
    headers: {
      authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString(),
  };
}
