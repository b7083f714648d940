// Posts actions to a webhook endpoint, signed as Standard Webhooks says.
//
// Owns: one exchange and what its answer means. Does not own: when to try again (../delivery).
//
// Invariants:
//   W1. `webhook-id` is the action's id, the same on every attempt: the receiver's idempotency key.
//   W2. 2xx is delivered. 410 is final and disables the channel. Anything else, redirects included, is tried again, as
//       Standard Webhooks asks: an endpoint that answers 404 during a deployment loses nothing.
//   W3. A connection goes to no private address unless that is allowed, whatever DNS says (private-address.ts).
//   W4. An exchange ends within 15 s, and of an answer's body at most ANSWER_BYTES_MAX are read.

import { Agent, request } from 'undici';
import type { Clock } from '../../../lib/clock.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Action } from '../../../schemas/action.ts';
import type { ChannelDependencies } from '../channel.ts';
import { parseRetryAfter } from '../delivery/backoff.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import type { Templates } from '../templates/templates.ts';
import { type WebhookBody, webhookBody } from './body.ts';
import { secretKeys, type WebhookOptions } from './options.ts';
import { PrivateAddressError, publicLookup } from './private-address.ts';
import { signatureOf } from './signature.ts';

/** Standard Webhooks recommends 15 to 30 s; interfaces say 15. */
const EXCHANGE_MS_MAX = 15_000;
/** Nothing of the body is used: it is read so that the connection can be used again. */
const ANSWER_BYTES_MAX = 64 * 1024;

export class WebhookSender implements ChannelSender<WebhookBody> {
  readonly #url: string;
  readonly #keys: readonly Uint8Array[];
  readonly #clock: Clock;
  readonly #templates: Templates;
  readonly #agent: Agent;

  constructor(options: WebhookOptions, { clock, templates, lookup }: ChannelDependencies) {
    this.#url = options.url;
    this.#keys = secretKeys(options.secret).filter((key) => key !== null);
    this.#clock = clock;
    this.#templates = templates;
    const found = options.allowPrivate ? lookup : publicLookup(lookup);
    this.#agent = new Agent({
      // The exchange as a whole is bounded (W4), so its parts need no bounds of their own. A connection being made needs
      // one: an abandoned exchange does not end it.
      connect: { timeout: EXCHANGE_MS_MAX, ...(found && { lookup: found }) },
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
  }

  render(action: Action): Rendering<WebhookBody> {
    return { outcome: 'rendered', message: { address: null, content: webhookBody(action, this.#templates) } };
  }

  async send(outgoing: Outgoing<WebhookBody>, signal: AbortSignal): Promise<SendResult> {
    try {
      return await withinTime(this.#clock, EXCHANGE_MS_MAX, signal, (bounded) => this.#post(outgoing, bounded));
    } catch (error) {
      return connectionFailure(error);
    }
  }

  async close(): Promise<void> {
    if (!this.#agent.destroyed) await this.#agent.destroy();
  }

  async #post(
    { action: { id }, message, traceparent }: Outgoing<WebhookBody>,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const body = JSON.stringify(message.content);
    const timestampSeconds = Math.floor(this.#clock.now() / 1_000);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'user-agent': 'tripline',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      ...(traceparent !== null && { traceparent }),
    };
    if (this.#keys.length > 0) headers['webhook-signature'] = signatureOf({ id, timestampSeconds, body }, this.#keys);
    const answer = await request(this.#url, { dispatcher: this.#agent, method: 'POST', headers, body, signal });
    await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal });
    return meaningOf(answer.statusCode, [answer.headers['retry-after']].flat()[0], this.#clock.now());
  }
}

/** W2. */
function meaningOf(status: number, retryAfter: string | undefined, now: number): SendResult {
  if (status >= 200 && status < 300) return { outcome: 'delivered', providerId: null };
  const reason = `HTTP ${status}`;
  if (status === 410) return { outcome: 'failed', reason, disable: true };
  const retryAfterMs = parseRetryAfter(retryAfter, now);
  return { outcome: 'retry', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function connectionFailure(error: unknown): SendResult {
  if (error instanceof PrivateAddressError) return { outcome: 'failed', reason: 'private address refused' };
  if (error instanceof TimeLimitError) return { outcome: 'retry', reason: error.message };
  const { code, message } = error as { code?: string; message: string };
  return { outcome: 'retry', reason: `no connection: ${code ?? message}` };
}
