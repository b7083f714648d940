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
import { Agent, type Dispatcher } from 'undici';
import { asBuffer } from '../../lib/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import { timeLimitError } from '../../lib/time-limit.ts';
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
/** Nobody sees it: who waited has been told why. */
const ABANDONED = new Error('the exchange was given up');

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
  async request(method: HttpMethod, { url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { origin, hostname, pathname, search } = new URL(url);
    // A look-up is asked for names only: an address in the URL is connected to as it stands.
    if (!this.#allowPrivate && isPrivateHost(hostname)) throw new PrivateAddressError('the address is private');
    if (signal.aborted) throw signal.reason;
    const exchange = new Exchange(this.#answerBytesMax);
    const abandon = (): void => exchange.giveUp(signal.reason);
    signal.addEventListener('abort', abandon, { once: true });
    const cancel = this.#clock.after(this.#timeoutMs, () => exchange.giveUp(timeLimitError(this.#timeoutMs)));
    try {
      const sent = { 'user-agent': 'tripline', ...headers };
      this.#agent.dispatch({ origin, path: pathname + search, method, headers: sent, body }, exchange);
      return await exchange.answer;
    } finally {
      cancel();
      signal.removeEventListener('abort', abandon);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy();
  }
}

/**
 * Takes the answer as it comes: without the streams and signals of undici's request(), which cost as much again as the exchange
 * (benchmarks/deliveries.bench.ts).
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<HttpAnswer>;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #isGivenUp = false;
  #status = 0;
  #headers: Readonly<Record<string, string | string[] | undefined>> = {};
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Ends it with this reason, and closes its connection. */
  giveUp(reason: unknown): void {
    this.#reject(reason);
    this.#isGivenUp = true;
    this.#controller?.abort(ABANDONED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection until its time was over.
    if (this.#isGivenUp) controller.abort(ABANDONED);
  }

  /** 1xx come before the answer, which takes their place. */
  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length <= this.#bytesMax) return;
    this.#end();
    controller.abort(ABANDONED);
  }

  onResponseEnd(): void {
    this.#end();
  }

  /** What ended before stays as it was. */
  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }

  #end(): void {
    const headers = this.#headers;
    const body = this.#chunks.length === 1 ? asBuffer(this.#chunks[0]!) : Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status,
      header: (name) => [headers[name]].flat()[0],
      text: body.subarray(0, this.#bytesMax).toString('utf8'),
      isCut: this.#length > this.#bytesMax,
    });
  }
}
