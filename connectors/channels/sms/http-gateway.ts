// Text messages by whoever takes them over HTTP, in a body of the configuration's own.
//
// Owns: the request. Does not own: the exchange (connectors/http), the meaning of a status (../http/meaning.ts).
//
// Invariants:
//   H1. The header `idempotency-key` is the action's id, the same on every attempt.
//   H2. A body that is to be JSON and is not, since a value in it was written without `json`, is not sent: what a person typed
//       could else be read as fields of the message.

import type { Clock } from '../../../lib/clock.ts';
import { RecordError } from '../../../lib/errors.ts';
import { HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { Outgoing, SendResult } from '../delivery/sender.ts';
import { isSuccess, refusal, resultOf } from '../http/meaning.ts';
import { compileLiquid, type LiquidText } from '../templates/liquid.ts';
import { templateScope } from '../templates/templates.ts';
import type { SmsGateway } from './gateway.ts';
import type { SmsContent } from './message.ts';
import type { SmsOptions } from './options.ts';

const JSON_TYPE = 'application/json';

export class HttpGateway implements SmsGateway {
  readonly #url: string;
  readonly #from: string | null;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: LiquidText;
  readonly #clock: Clock;
  readonly #client: HttpClient;

  constructor({ url, from, headers = {}, body, allowPrivate }: SmsOptions, { clock, lookup }: ChannelDependencies) {
    this.#url = url!;
    this.#from = from ?? null;
    const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.#headers = { 'content-type': JSON_TYPE, ...Object.fromEntries(own) };
    this.#body = compileLiquid(body!, 'none');
    this.#clock = clock;
    this.#client = new HttpClient({ clock, allowPrivate, lookup });
  }

  async send({ action, message, traceparent }: Outgoing<SmsContent>, signal: AbortSignal): Promise<SendResult> {
    const { to, text } = message.content;
    const scope = { ...templateScope(action), to, text, from: this.#from, action: action.id };
    const body = this.#body.render(scope);
    if (this.#headers['content-type']!.includes('json') && !isJson(body)) {
      const hint = 'write values as {{ text | json }}';
      throw new RecordError('TRG_TEMPLATE_FAILED', `channels.${action.channel}.body does not give JSON: ${hint}`);
    }
    const headers = {
      ...this.#headers,
      'idempotency-key': action.id,
      ...(traceparent !== null && { traceparent }),
    };
    return resultOf(async () => {
      const answer = await this.#client.post({ url: this.#url, headers, body }, signal);
      return isSuccess(answer.status) ? { outcome: 'delivered', providerId: null } : refusal(answer, this.#clock);
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
