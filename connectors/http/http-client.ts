// One HTTP exchange with somebody else's server.
//
// Owns: connections, bounds in time and bytes, the guard against requests to the inside (SSRF). Does not own: what an answer
// means.
//
// Invariants:
//   X1. An exchange ends within its time, whatever the server does, and of an answer's body at most `answerBytesMax` are kept.
//   X2. A redirect is an answer like any other: what is sent goes where it was addressed, and nowhere else.
//   X3. Unless `allowPrivate`, no connection goes to a private address, whether the URL names it, in whatever notation, or DNS.

import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { withinTime } from '../../lib/time-limit.ts';
import { isPrivateHost, PrivateAddressError, publicLookup } from './private-address.ts';

export interface HttpClientOptions {
  readonly clock: Clock;
  /** Of one exchange; left out: EXCHANGE_MS_MAX. */
  readonly timeoutMs?: number;
  readonly allowPrivate: boolean;
  /** In place of the system's DNS. */
  readonly lookup?: LookupFunction | undefined;
  /** Of an answer's body; left out: ANSWER_BYTES_MAX. */
  readonly answerBytesMax?: number;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: none. */
  readonly body: string | Uint8Array | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** The first value of a header; undefined: it is not there. */
  header(name: string): string | undefined;
  /** The body, or its beginning (X1). */
  readonly text: string;
  /** Whether there was more of it. */
  readonly isCut: boolean;
}

/** Standard Webhooks recommends 15 to 30 s, and no provider's API takes longer. */
export const EXCHANGE_MS_MAX = 15_000;
/** Answers are an identifier or an error; more is no answer to us. */
export const ANSWER_BYTES_MAX = 64 * 1024;

export class HttpClient {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #allowPrivate: boolean;
  readonly #answerBytesMax: number;
  readonly #agent: Agent;

  constructor(options: HttpClientOptions) {
    const { clock, timeoutMs = EXCHANGE_MS_MAX, allowPrivate, lookup, answerBytesMax = ANSWER_BYTES_MAX } = options;
    this.#clock = clock;
    this.#answerBytesMax = answerBytesMax;
    this.#timeoutMs = timeoutMs;
    this.#allowPrivate = allowPrivate;
    const found = allowPrivate ? lookup : publicLookup(lookup);
    this.#agent = new Agent({
      // The exchange as a whole is bounded (X1), so its parts need no bounds of their own. A connection being made needs
      // one: an abandoned exchange does not end it.
      connect: { timeout: EXCHANGE_MS_MAX, ...(found && { lookup: found }) },
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
  }

  /** As request(). */
  post(message: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    return this.request('POST', message, signal);
  }

  /** Rejects with TimeLimitError, PrivateAddressError, the signal's reason, or what the connection failed of. */
  async request(method: HttpMethod, message: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    // A look-up is asked for names only: an address in the URL is connected to as it stands.
    if (!this.#allowPrivate && isPrivateHost(new URL(message.url).hostname)) {
      throw new PrivateAddressError('the address is private');
    }
    return withinTime(this.#clock, this.#timeoutMs, signal, (bounded) => this.#exchange(method, message, bounded));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy();
  }

  async #exchange(method: HttpMethod, { url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: { 'user-agent': 'tripline', ...headers },
      body,
      signal,
    });
    const { text, isCut } = await beginningOf(answer.body, this.#answerBytesMax);
    return {
      status: answer.statusCode,
      header: (name) => [answer.headers[name]].flat()[0],
      text,
      isCut,
    };
  }
}

/** Leaving the loop early closes the connection. */
async function beginningOf(body: AsyncIterable<Uint8Array>, bytesMax: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytesMax) break;
  }
  return { text: Buffer.concat(chunks).subarray(0, bytesMax).toString('utf8'), isCut: length > bytesMax };
}
