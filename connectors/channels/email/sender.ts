// Mail: composed here, sent by the transport that the configuration chooses.

import type { Clock } from '../../../lib/clock.ts';
import type { Action } from '../../../schemas/action.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { type ComposerParts, EmailComposer, type EmailContent } from './message.ts';
import type { EmailOptions } from './options.ts';
import { SesTransport } from './ses.ts';
import { SmtpTransport } from './smtp.ts';
import type { MailTransport } from './transport.ts';

export class EmailSender implements ChannelSender<EmailContent> {
  readonly #composer: EmailComposer;
  readonly #transport: MailTransport;

  constructor(options: EmailOptions, { clock, ...parts }: { readonly clock: Clock } & ComposerParts) {
    this.#composer = new EmailComposer(options, parts);
    this.#transport = options.provider === 'ses' ? new SesTransport(options, clock) : new SmtpTransport(options, clock);
  }

  render(action: Action): Rendering<EmailContent> {
    return this.#composer.compose(action);
  }

  send(outgoing: Outgoing<EmailContent>, signal: AbortSignal): Promise<SendResult> {
    return this.#transport.send(outgoing, signal);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
