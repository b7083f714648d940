// One HTTP/2 connection to APNs at a time, opened when it is needed and replaced when Apple ends it.
//
// Owns: the session, requests on it. Does not own: what is sent and what an answer means (apns.ts).
//
// Invariants:
//   C1. What Apple says it did not process is sent again at once on another connection: streams above the last one that a GOAWAY
//       names, and those it refused. Nothing is lost, and nothing sent twice, by a GOAWAY.
//   C2. What broke off otherwise may have been processed: that is said (an error), and whoever sends tries again.
//   C3. After a request that got no answer in time the connection is not used for further ones: it may be dead.

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { jsonObjectOf } from '../../../schemas/json.ts';
import { ANSWER_BYTES_MAX } from '../../http/http-client.ts';
import { publicLookup } from '../../http/private-address.ts';

export interface ApnsConnectionOptions {
  readonly url: string;
  /** Certificates to trust besides the usual ones, PEM. */
  readonly ca: string | undefined;
  readonly allowPrivate: boolean;
  readonly lookup: LookupFunction | undefined;
}

export interface ApnsRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ApnsAnswer {
  readonly status: number;
  readonly id: string | null;
  readonly reason: string | null;
  /** Of a device that is gone: since when, ms. */
  readonly timestamp: number | null;
  readonly retryAfter: string | null;
}

/** How often C1 sends one message again: Apple that ends each connection at once is not hammered. */
const CONNECTIONS_MAX = 5;

/** Not processed, by Apple's own word. */
class NotProcessed extends Error {
  override name = 'NotProcessed';
}

interface Connection {
  readonly session: ClientHttp2Session;
  /** Of the GOAWAY; null: none came. */
  lastStream: number | null;
}

export class ApnsConnection {
  readonly #options: ApnsConnectionOptions;
  #connection: Connection | null = null;
  #isClosed = false;

  constructor(options: ApnsConnectionOptions) {
    this.#options = options;
  }

  /** Rejects with the signal's reason, PrivateAddressError, and as node:http2 does. */
  async post(request: ApnsRequest, signal: AbortSignal): Promise<ApnsAnswer> {
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await exchange(this.#current(), request, signal);
      } catch (error) {
        if (signal.aborted) this.#drop();
        if (!(error instanceof NotProcessed) || tries === CONNECTIONS_MAX) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#connection?.session;
    this.#connection = null;
    session?.destroy();
  }

  /** C3. Those under way on it go on. */
  #drop(): void {
    const session = this.#connection?.session;
    this.#connection = null;
    session?.close();
  }

  #current(): Connection {
    const known = this.#connection;
    if (known !== null && !known.session.closed && !known.session.destroyed && known.lastStream === null) return known;
    if (this.#isClosed) throw new Error('the channel is closed');
    const { url, ca, allowPrivate, lookup } = this.#options;
    const found = allowPrivate ? lookup : publicLookup(lookup);
    const session = connect(new URL(url).origin, {
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      ...(found !== undefined && { lookup: found }),
    });
    const connection: Connection = { session, lastStream: null };
    session.on('goaway', (_code, lastStream) => {
      connection.lastStream = Math.min(connection.lastStream ?? Infinity, lastStream);
    });
    // Every request of the session is told by itself.
    session.on('error', () => {});
    this.#connection = connection;
    return connection;
  }
}

function exchange(
  connection: Connection,
  { path, headers, body }: ApnsRequest,
  signal: AbortSignal,
): Promise<ApnsAnswer> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream;
    try {
      stream = connection.session.request({ ':method': 'POST', ':path': path, ...headers }, { endStream: false });
    } catch {
      // It ended between being chosen and being used.
      reject(new NotProcessed('the connection has ended'));
      return;
    }
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', cancel, { once: true });
    let answer: Readonly<Record<string, string | string[] | number | undefined>> | null = null;
    let failure: Error | null = null;
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('response', (received) => {
      answer = received as typeof answer;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk);
      else cancel();
    });
    stream.on('error', (error) => {
      // Of a stream that ended with its session the session's error is the cause.
      failure = error.cause instanceof Error ? error.cause : error;
    });
    stream.on('close', () => {
      signal.removeEventListener('abort', cancel);
      if (signal.aborted) reject(signal.reason);
      else if (answer !== null && failure === null) resolve(answerOf(answer, Buffer.concat(chunks).toString('utf8')));
      else if (isNotProcessed(connection, stream)) reject(new NotProcessed('Apple ended the connection'));
      else reject(failure ?? new Error('the connection broke off'));
    });
    stream.end(body);
  });
}

/** C1 */
function isNotProcessed({ lastStream }: Connection, { id, rstCode }: ClientHttp2Stream): boolean {
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
  return lastStream !== null && (id === undefined || id > lastStream);
}

function answerOf(headers: Readonly<Record<string, string | string[] | number | undefined>>, text: string): ApnsAnswer {
  const body = jsonObjectOf(text);
  const { reason, timestamp } = (body ?? {}) as { readonly reason?: unknown; readonly timestamp?: unknown };
  const header = (name: string): string | null => (typeof headers[name] === 'string' ? headers[name] : null);
  return {
    status: Number(headers[':status']),
    id: header('apns-id'),
    reason: typeof reason === 'string' && /^[A-Za-z]{1,60}$/.test(reason) ? reason : null,
    timestamp: typeof timestamp === 'number' && Number.isSafeInteger(timestamp) ? timestamp : null,
    retryAfter: header('retry-after'),
  };
}
