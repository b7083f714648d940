// Text messages by Twilio: https://www.twilio.com/docs/messaging/api/message-resource
//
// Owns: the request, what Twilio's answers mean. Does not own: the codes (twilio-codes.ts), the exchange (connectors/http).
//
// Invariants:
//   T1. Twilio takes a message as often as it is sent: no key of ours makes two requests one. Each names its action in its
//       StatusCallback, by which repetitions are seen.
//   T2. A code says what an answer means; the status does where there is none, or one that is not known.

import type { Clock } from '../../../lib/clock.ts';
import { jsonObjectOf } from '../../../schemas/json.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { Outgoing, SendResult } from '../delivery/sender.ts';
import { isSuccess, later, refusal, resultOf } from '../http/meaning.ts';
import type { SmsGateway } from './gateway.ts';
import type { SmsContent } from './message.ts';
import { type SmsOptions, TWILIO_URL } from './options.ts';
import { TWILIO_CODES } from './twilio-codes.ts';

export class TwilioGateway implements SmsGateway {
  readonly #url: string;
  readonly #authorization: string;
  readonly #sender: Readonly<Record<string, string>>;
  readonly #publicUrl: string | null;
  readonly #clock: Clock;
  readonly #client: HttpClient;

  constructor(options: SmsOptions, { clock, lookup, publicUrl }: ChannelDependencies) {
    const { url = TWILIO_URL, accountSid, authToken, from, messagingServiceSid, allowPrivate } = options;
    this.#url = `${url.replace(/\/+$/, '')}/2010-04-01/Accounts/${accountSid}/Messages.json`;
    this.#authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
    this.#sender = from === undefined ? { MessagingServiceSid: messagingServiceSid! } : { From: from };
    this.#publicUrl = publicUrl;
    this.#clock = clock;
    this.#client = new HttpClient({ clock, allowPrivate, lookup });
  }

  send({ action, message }: Outgoing<SmsContent>, signal: AbortSignal): Promise<SendResult> {
    const { to, text } = message.content;
    const form = new URLSearchParams({ To: to, ...this.#sender, Body: text });
    if (this.#publicUrl !== null) {
      form.set('StatusCallback', `${this.#publicUrl}/feedback/twilio?action=${encodeURIComponent(action.id)}`);
    }
    const headers = {
      authorization: this.#authorization,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'idempotency-key': action.id,
    };
    const request = { url: this.#url, headers, body: form.toString() };
    return resultOf(async () => this.#meaningOf(await this.#client.post(request, signal)));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** T2. */
  #meaningOf(answer: HttpAnswer): SendResult {
    const fields = jsonObjectOf(answer.text);
    if (isSuccess(answer.status)) {
      const sid = fields?.['sid'];
      if (typeof sid === 'string') return { outcome: 'delivered', providerId: sid };
      return later(answer, 'the answer is not one of Twilio', this.#clock);
    }
    const code = fields?.['code'];
    const known = typeof code === 'number' ? TWILIO_CODES.get(code) : undefined;
    if (known === undefined) {
      const result = refusal(answer, this.#clock);
      return typeof code === 'number' && 'reason' in result ? { ...result, reason: `Twilio ${code}` } : result;
    }
    const reason = `Twilio ${code}: ${known.words}`;
    if (known.verdict === 'later') return later(answer, reason, this.#clock);
    if (known.verdict === 'stop') return { outcome: 'failed', reason, disable: true };
    if (known.verdict === 'never') return { outcome: 'failed', reason };
    return { outcome: 'failed', reason, suppress: { reason: known.verdict } };
  }
}
