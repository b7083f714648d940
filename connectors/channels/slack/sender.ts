// Posts to a Slack channel, by an incoming webhook or by chat.postMessage.
//
// Owns: the request and what Slack's answers mean. Does not own: the words (errors.ts), the exchange (connectors/http), the pace.
//
// Invariants:
//   K1. Of the API an answer of 200 is a message only if it says `ok: true`; of a webhook only if it says `ok`.
//   K2. An error that every message would meet stops the channel; one of this message is final; any other is tried again.
//   K3. Slack posts a message as often as it is sent: it has no key to tell a repetition by.

import type { Clock } from '../../../lib/clock.ts';
import type { Action } from '../../../schemas/action.ts';
import { jsonObjectOf } from '../../../schemas/json.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { isSuccess, later, refusal, resultOf } from '../http/meaning.ts';
import type { Templates } from '../templates/templates.ts';
import { slackVerdict } from './errors.ts';
import { type SlackContent, slackContent } from './message.ts';
import { SLACK_API_URL, type SlackOptions } from './options.ts';

export class SlackSender implements ChannelSender<SlackContent> {
  readonly #url: string;
  /** Null: an incoming webhook. */
  readonly #api: { readonly authorization: string; readonly channel: string } | null;
  readonly #clock: Clock;
  readonly #templates: Templates;
  readonly #client: HttpClient;

  constructor(options: SlackOptions, { clock, templates, lookup }: ChannelDependencies) {
    const { url, token, channel, apiUrl = SLACK_API_URL, allowPrivate } = options;
    this.#url = url ?? `${apiUrl.replace(/\/+$/, '')}/chat.postMessage`;
    this.#api = token === undefined ? null : { authorization: `Bearer ${token}`, channel: channel! };
    this.#clock = clock;
    this.#templates = templates;
    this.#client = new HttpClient({ clock, allowPrivate, lookup });
  }

  render(action: Action): Rendering<SlackContent> {
    return { outcome: 'rendered', message: { address: null, content: slackContent(action, this.#templates) } };
  }

  send({ action, message: { content } }: Outgoing<SlackContent>, signal: AbortSignal): Promise<SendResult> {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': action.id,
      ...(this.#api !== null && { authorization: this.#api.authorization }),
    };
    const body = JSON.stringify(this.#api === null ? content : { channel: this.#api.channel, ...content });
    return resultOf(async () => this.#meaningOf(await this.#client.post({ url: this.#url, headers, body }, signal)));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** K1, K2. */
  #meaningOf(answer: HttpAnswer): SendResult {
    const fields = this.#api === null ? null : jsonObjectOf(answer.text);
    const isTaken = this.#api === null ? answer.text.trim() === 'ok' : fields?.['ok'] === true;
    if (isSuccess(answer.status) && isTaken) {
      const at = fields?.['ts'];
      return { outcome: 'delivered', providerId: typeof at === 'string' ? at : null };
    }
    const word = String(fields === null ? answer.text.trim() : fields['error']);
    const verdict = slackVerdict(word);
    if (verdict === 'later') return later(answer, `Slack: ${word}`, this.#clock);
    if (verdict !== undefined) {
      return { outcome: 'failed', reason: `Slack: ${word}`, ...(verdict === 'stop' && { disable: true }) };
    }
    if (isSuccess(answer.status)) return later(answer, `Slack: ${shown(word)}`, this.#clock);
    return refusal(answer, this.#clock);
  }
}

/** A word that is one. */
function shown(word: string): string {
  return /^[a-z_]{1,60}$/.test(word) ? word : 'an answer that is none of its own';
}
