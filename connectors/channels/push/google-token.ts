// Access tokens of a service account.
//
// Owns: asking the account's own `token_uri` for them, which google-auth-library by itself does not. Does not own: keeping a token
// for its hour, which the library does.

import type { JWT } from 'google-auth-library';
import { jsonObjectOf } from '../../../schemas/json.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { ServiceAccount } from './options.ts';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';

/** Of one exchange: somewhat longer than a message waits for it. */
export const TOKEN_MS_MAX = 20_000;
const NEVER_ABORTED = new AbortController().signal;

/** Google gives no token. `isFinal`: and will not, for this account. */
export class GoogleTokenError extends Error {
  override name = 'GoogleTokenError';
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

export class GoogleToken {
  readonly #account: ServiceAccount;
  readonly #http: HttpClient;
  #client: Promise<JWT> | null = null;
  /** The newest that was given. */
  #last: string | null = null;

  constructor(account: ServiceAccount, http: HttpClient) {
    this.#account = account;
    this.#http = http;
  }

  /** Rejects with GoogleTokenError, and as HttpClient does. */
  async get(): Promise<string> {
    this.#client ??= this.#open();
    const { token } = await (await this.#client).getAccessToken();
    if (!token) throw new GoogleTokenError('the token endpoint gave no token', false);
    this.#last = token;
    return token;
  }

  /** It was refused: the next is asked for anew, once for all messages that had this one. */
  forget(refused: string): void {
    if (this.#last !== refused) return;
    this.#client = null;
    this.#last = null;
  }

  async #open(): Promise<JWT> {
    // Loaded for whoever sends: it takes longer than the whole rest of a command.
    const { JWT } = await import('google-auth-library');
    const { clientEmail, privateKey, privateKeyId, tokenUri } = this.#account;
    const transporter = { request: (options: { readonly data?: unknown }) => this.#ask(String(options.data)) };
    return new JWT({
      email: clientEmail,
      key: privateKey,
      ...(privateKeyId !== undefined && { keyId: privateKeyId }),
      scopes: [SCOPE],
      additionalClaims: { aud: tokenUri },
      transporter: transporter as never,
      useAuthRequestParameters: false,
    });
  }

  async #ask(form: string): Promise<{ readonly data: unknown }> {
    // Several messages wait for one token: none of them ends it. The exchange is bounded itself.
    const { status, text } = await this.#http.post(
      {
        url: this.#account.tokenUri,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form,
      },
      NEVER_ABORTED,
    );
    const body = jsonObjectOf(text);
    if (status === 200 && typeof body?.['access_token'] === 'string') return { data: body };
    const why = typeof body?.['error'] === 'string' && /^[a-z_]{1,40}$/.test(body['error']) ? ` ${body['error']}` : '';
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
    throw new GoogleTokenError(`the token endpoint answers HTTP ${status}${why}`, isFinal);
  }
}
