// Somebody who takes text messages.

import type { Outgoing, SendResult } from '../delivery/sender.ts';
import type { SmsContent } from './message.ts';

/** As ChannelSender has it, for a message that is composed. */
export interface SmsGateway {
  send(outgoing: Outgoing<SmsContent>, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}
