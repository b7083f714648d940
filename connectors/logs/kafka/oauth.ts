// Tokens for SASL OAUTHBEARER: a fixed one, one in a file that others renew, or one from the provider's token endpoint.
//
// Owns: getting a token, and keeping it while it is good. Does not own: the log-in, nor when it is repeated: the cluster says
// how long a session lasts, and the connection logs in again before that.
//
// Invariants:
//   O1. Neither token nor client secret is in an error.
//   O2. One request at a time, however many connections log in.

import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { jsonObjectOf } from '../../../schemas/json.ts';

export type TokenSource = () => Promise<string>;

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Separated by spaces. */
  readonly scope?: string;
}

/** Of a request; a log-in waits for it, and brokers wait for log-ins. */
const TIMEOUT_MS = 10_000;
/** A token is renewed once this much of its life has passed, so that none expires on its way. */
const RENEW_AFTER = 0.8;
/** Of an answer without `expires_in`. */
const LIFE_MS = 60_000;
/** A token has a few thousand bytes; no server fills the memory. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Read at each log-in, so that whoever renews the file (a sidecar, a projected Kubernetes token) need tell nobody. */
export function tokenFromFile(path: string): TokenSource {
  return async () => {
    let token: string;
    try {
      token = (await readFile(path, 'utf8')).trim();
    } catch (error) {
      throw new RetryableError('TRG_LOG_UNREACHABLE', `the token file ${path} cannot be read`, {}, error);
    }
    if (token === '') throw new RetryableError('TRG_LOG_UNREACHABLE', `the token file ${path} is empty`);
    return token;
  };
}

/** The client credentials grant of OAuth 2.0 (RFC 6749, 4.4). */
export function tokenFromProvider(credentials: ClientCredentials, clock: Clock): TokenSource {
  let token = '';
  let goodUntil = 0;
  let pending: Promise<string> | null = null;
  const renew = async (): Promise<string> => {
    const { access_token, expires_in } = await ask(credentials);
    token = access_token;
    goodUntil = clock.now() + RENEW_AFTER * (expires_in === undefined ? LIFE_MS : expires_in * 1_000);
    return token;
  };
  return async () => {
    if (clock.now() < goodUntil) return token;
    pending ??= renew().finally(() => {
      pending = null;
    });
    return pending;
  };
}

interface Answer {
  readonly access_token: string;
  readonly expires_in?: number;
}

async function ask({ tokenUrl, clientId, clientSecret, scope }: ClientCredentials): Promise<Answer> {
  const { host } = new URL(tokenUrl);
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) });
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
  let status: number;
  let text: string;
  try {
    const answer = await request(tokenUrl, {
      method: 'POST',
      headers: {
        authorization: `Basic ${basic}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: body.toString(),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    status = answer.statusCode;
    text = Buffer.from(await answer.body.arrayBuffer())
      .subarray(0, ANSWER_BYTES_MAX)
      .toString('utf8');
  } catch (error) {
    throw new RetryableError('TRG_LOG_UNREACHABLE', `the token endpoint ${host} cannot be reached`, {}, error);
  }
  const answer = jsonObjectOf(text);
  if (status === 200 && typeof answer?.['access_token'] === 'string') return answer as unknown as Answer;
  const reason = typeof answer?.['error'] === 'string' ? answer['error'].slice(0, 100) : 'no token in its answer';
  const message = `the token endpoint ${host} answered ${status} (${reason})`;
  // RFC 6749, 5.2: a wrong client is 400 or 401, and stays one; anything else may pass.
  if (status === 400 || status === 401 || status === 403) throw new FatalError('TRG_LOG_DENIED', message);
  throw new RetryableError('TRG_LOG_UNREACHABLE', message);
}
