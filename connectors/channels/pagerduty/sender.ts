// Sends events to PagerDuty: https://developer.pagerduty.com/docs/events-api-v2/overview/
//
// Owns: the request and what PagerDuty's answers mean. Does not own: the event (event.ts), the exchange (connectors/http).
//
// Invariants:
//   D1. 202 is taken; 429 and 5xx are tried again, as is an answer that PagerDuty does not give. 400 is final, and where it is
//       about the routing key, stops the channel: every event has that.

import type { Clock } from '../../../lib/clock.ts';
import type { Action } from '../../../schemas/action.ts';
import { jsonObjectOf } from '../../../schemas/json.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { isTransient, later, refusal, resultOf } from '../http/meaning.ts';
import { eventOf, type PagerDutyEvent } from './event.ts';
import type { PagerDutyOptions } from './options.ts';

export class PagerDutySender implements ChannelSender<PagerDutyEvent> {
  readonly #url: string;
  readonly #routingKey: string;
  readonly #clock: Clock;
  readonly #dependencies: ChannelDependencies;
  readonly #client: HttpClient;

  constructor({ url, routingKey, allowPrivate }: PagerDutyOptions, dependencies: ChannelDependencies) {
    const { clock, lookup } = dependencies;
    this.#url = `${url.replace(/\/+$/, '')}/v2/enqueue`;
    this.#routingKey = routingKey;
    this.#clock = clock;
    this.#dependencies = dependencies;
    this.#client = new HttpClient({ clock, allowPrivate, lookup });
  }

  render(action: Action): Rendering<PagerDutyEvent> {
    return { outcome: 'rendered', message: { address: null, content: eventOf(action, this.#dependencies) } };
  }

  send({ action, message: { content } }: Outgoing<PagerDutyEvent>, signal: AbortSignal): Promise<SendResult> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': action.id };
    const body = JSON.stringify({ routing_key: this.#routingKey, client: 'Tripline', ...content });
    return resultOf(async () => this.#meaningOf(await this.#client.post({ url: this.#url, headers, body }, signal)));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** D1. */
  #meaningOf(answer: HttpAnswer): SendResult {
    const { status } = answer;
    const fields = jsonObjectOf(answer.text);
    if (status === 202) {
      const key = fields?.['dedup_key'];
      return { outcome: 'delivered', providerId: typeof key === 'string' ? key : null };
    }
    if (isTransient(status)) return later(answer, `HTTP ${status}`, this.#clock);
    const isOfKey = /routing.?key/i.test(JSON.stringify([fields?.['message'], fields?.['errors']]));
    if (status === 400 && isOfKey)
      return { outcome: 'failed', reason: 'PagerDuty: invalid routing key', disable: true };
    return refusal(answer, this.#clock);
  }
}
