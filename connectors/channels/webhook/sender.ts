// Posts actions to a webhook endpoint, signed as Standard Webhooks says.
//
// Owns: the request and what its answer means. Does not own: the exchange (connectors/http), when to try again (../delivery).
//
// Invariants:
//   W1. `webhook-id` is the action's id, the same on every attempt: the receiver's idempotency key.
//   W2. 2xx is delivered. 410 is final and disables the channel. Anything else, redirects included, is tried again, as
//       Standard Webhooks asks: an endpoint that answers 404 during a deployment loses nothing.
//   W3. A connection goes to no private address unless that is allowed, whatever DNS says (private-address.ts).
//   W4. An exchange ends within 15 s, and of an answer's body only the beginning is read (http-client.ts).

import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../../lib/clock.ts';
import type { Action } from '../../../schemas/action.ts';
import { ClientCredentialsTokens } from '../../http/client-credentials.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { isSuccess, later, resultOf } from '../http/meaning.ts';
import type { Templates } from '../templates/templates.ts';
import { type WebhookBody, webhookBody } from './body.ts';
import { secretKeys, type WebhookOptions } from './options.ts';
import { signatureOf } from './signature.ts';

export class WebhookSender implements ChannelSender<WebhookBody> {
  readonly #url: string;
  readonly #keys: readonly KeyObject[];
  readonly #clock: Clock;
  readonly #templates: Templates;
  readonly #client: HttpClient;
  readonly #tokens: ClientCredentialsTokens | null;

  constructor(options: WebhookOptions, { clock, templates, lookup }: ChannelDependencies) {
    const { url, secret, oauth, allowPrivate } = options;
    this.#url = url;
    this.#keys = secretKeys(secret).filter((key) => key !== null);
    this.#clock = clock;
    this.#templates = templates;
    this.#client = new HttpClient({ clock, allowPrivate, lookup });
    this.#tokens = oauth === undefined ? null : new ClientCredentialsTokens(oauth, this.#client, clock);
  }

  render(action: Action): Rendering<WebhookBody> {
    return { outcome: 'rendered', message: { address: null, content: webhookBody(action, this.#templates) } };
  }

  send(outgoing: Outgoing<WebhookBody>, signal: AbortSignal): Promise<SendResult> {
    const post = (authorization: Readonly<Record<string, string>>) => this.#post(outgoing, authorization, signal);
    return resultOf(async () => this.#meaningOf(await (this.#tokens?.authorized(post) ?? post({}))));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #post(
    { action: { id }, message, traceparent }: Outgoing<WebhookBody>,
    authorization: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const body = JSON.stringify(message.content);
    const timestampSeconds = Math.floor(this.#clock.now() / 1_000);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      ...(traceparent !== null && { traceparent }),
      ...authorization,
    };
    if (this.#keys.length > 0) headers['webhook-signature'] = signatureOf({ id, timestampSeconds, body }, this.#keys);
    return this.#client.post({ url: this.#url, headers, body }, signal);
  }

  /** W2. */
  #meaningOf(answer: HttpAnswer): SendResult {
    const { status } = answer;
    if (isSuccess(status)) return { outcome: 'delivered', providerId: null };
    const reason = `HTTP ${status}`;
    return status === 410 ? { outcome: 'failed', reason, disable: true } : later(answer, reason, this.#clock);
  }
}
