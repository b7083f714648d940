// What an SMTP server's answer means: for the message, and for the address.
//
// Owns: classes of answers (RFC 5321, 4.2.1; RFC 3463 and IANA's list of enhanced codes). Does not own: the exchange.
//
// Invariants:
//   R1. A 5xx reply is final; a 4xx reply, a refused log-in and trouble with the connection are tried again. A log-in is our
//       configuration's mistake and no property of the message.
//   R2. An address bounces when the answer is about it: 5.1.x, save those about the sender, and 5.2.1. What is about us (5.7.x:
//       policy, reputation, authentication), the message, or a server never counts against an address.
//   R3. A mailbox that is full, or that a server cannot take mail for now, is soft: it counts only when it stays so.
//   R4. The server's words are in no reason: they like to repeat the address.

import type { NodemailerError } from 'nodemailer';
import type { SendResult } from '../delivery/sender.ts';

const BOUNCE = { reason: 'bounce' } as const;
const SOFT = { reason: 'bounce', soft: true } as const;
/** Bad syntax of the sender's mailbox, and a bad system of the sender's. */
const ABOUT_SENDER: ReadonlySet<string> = new Set(['5.1.7', '5.1.8', '4.1.7', '4.1.8']);
/** Mailbox unavailable, and insufficient storage, where a server has no enhanced codes. */
const SOFT_REPLIES: ReadonlySet<number> = new Set([450, 452]);

export function smtpResult(error: unknown): SendResult {
  const { code, responseCode, response, command, message } = error as NodemailerError;
  if (responseCode === undefined) return { outcome: 'retry', reason: `no connection: ${code ?? message}` };
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1] ?? null;
  const reason = `SMTP ${responseCode}${enhanced === null ? '' : ` ${enhanced}`}`;
  const suppress = command === 'MAIL FROM' ? null : addressFault(responseCode, enhanced, command === 'RCPT TO');
  if (responseCode < 500 || code === 'EAUTH') {
    return { outcome: 'retry', reason, ...(suppress?.soft && { suppress: SOFT }) };
  }
  return { outcome: 'failed', reason, ...(suppress !== null && { suppress }) };
}

/** R2, R3. Null: nothing is said of the address. */
function addressFault(
  reply: number,
  enhanced: string | null,
  ofRecipient: boolean,
): { readonly reason: 'bounce'; readonly soft?: true } | null {
  if (enhanced === null) return ofRecipient && SOFT_REPLIES.has(reply) ? SOFT : null;
  if (ABOUT_SENDER.has(enhanced)) return null;
  if (enhanced.startsWith('5.1.') || enhanced === '5.2.1') return BOUNCE;
  return /^4\.[12]\.|^5\.2\.2$/.test(enhanced) ? SOFT : null;
}
