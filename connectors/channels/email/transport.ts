// Somebody who takes mail.

import type { Outgoing, SendResult } from '../delivery/sender.ts';
import type { EmailContent } from './message.ts';

/** As ChannelSender has it, for a message that is composed. */
export interface MailTransport {
  send(outgoing: Outgoing<EmailContent>, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}
