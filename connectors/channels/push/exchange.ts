// One request to a push service over HTTP/1.1, bounded, and to no private address unless that is allowed.

import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import { isPrivateHost, PrivateAddressError, publicLookup } from '../../http/private-address.ts';
import { ANSWER_BYTES_MAX, EXCHANGE_MS_MAX } from './provider.ts';

export interface Posted {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Null: the body is no JSON object. */
  readonly body: JsonObject | null;
}

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export class PushHttp {
  readonly #allowPrivate: boolean;
  readonly #agent: Agent;

  constructor(allowPrivate: boolean, lookup: LookupFunction | undefined) {
    this.#allowPrivate = allowPrivate;
    const found = allowPrivate ? lookup : publicLookup(lookup);
    // The exchange as a whole is bounded by whoever asks, so its parts need no bounds of their own but the connection.
    this.#agent = new Agent({
      connect: { timeout: EXCHANGE_MS_MAX, ...(found && { lookup: found }) },
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
  }

  /** Redirects are not followed. Rejects with PrivateAddressError, and as undici does. */
  async post({ url, headers, body }: Post, signal: AbortSignal): Promise<Posted> {
    // An address written as such is not looked up.
    if (!this.#allowPrivate && isPrivateHost(new URL(url).hostname)) {
      throw new PrivateAddressError('the address is private');
    }
    const answer = await request(url, {
      dispatcher: this.#agent,
      method: 'POST',
      headers: { 'user-agent': 'tripline', ...headers },
      body,
      signal,
    });
    const flat = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), [value].flat()[0]]);
    return { status: answer.statusCode, headers: Object.fromEntries(flat), body: await jsonOf(answer.body) };
  }

  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy();
  }
}

async function jsonOf(body: Dispatcher.ResponseData['body']): Promise<JsonObject | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) return null;
  }
  return parsedObject(Buffer.concat(chunks).toString('utf8'));
}

export function parsedObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
