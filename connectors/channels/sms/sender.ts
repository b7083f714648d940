// Text messages: composed here, sent by the gateway that the configuration chooses.

import type { Action } from '../../../schemas/action.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import type { SmsGateway } from './gateway.ts';
import { HttpGateway } from './http-gateway.ts';
import { SmsComposer, type SmsContent } from './message.ts';
import type { SmsOptions } from './options.ts';
import { TwilioGateway } from './twilio.ts';

export class SmsSender implements ChannelSender<SmsContent> {
  readonly #composer: SmsComposer;
  readonly #gateway: SmsGateway;

  constructor(options: SmsOptions, dependencies: ChannelDependencies) {
    this.#composer = new SmsComposer(options, dependencies.templates);
    this.#gateway =
      options.provider === 'twilio' ? new TwilioGateway(options, dependencies) : new HttpGateway(options, dependencies);
  }

  render(action: Action): Rendering<SmsContent> {
    return this.#composer.compose(action);
  }

  send(outgoing: Outgoing<SmsContent>, signal: AbortSignal): Promise<SendResult> {
    return this.#gateway.send(outgoing, signal);
  }

  close(): Promise<void> {
    return this.#gateway.close();
  }
}
