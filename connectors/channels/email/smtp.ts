// Hands messages to an SMTP server, over connections that are kept.
//
// Owns: connections. Does not own: what an answer means (answers.ts), the message (message.ts).

import { createTransport, type SMTPPoolOptions } from 'nodemailer';
import type { Clock } from '../../../lib/clock.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Outgoing, SendResult } from '../delivery/sender.ts';
import { hostOf } from './address.ts';
import { smtpResult } from './answers.ts';
import { dkimOf, type EmailContent, mailOf } from './message.ts';
import type { EmailOptions } from './options.ts';
import type { MailTransport } from './transport.ts';

/** One exchange, the wait for a free connection included; the longest step, a silent server, ends after SILENCE_MS_MAX. */
const EXCHANGE_MS_MAX = 120_000;
const SILENCE_MS_MAX = 30_000;
const CONNECT_MS_MAX = 10_000;

export class SmtpTransport implements MailTransport {
  readonly #clock: Clock;
  /** Of the sender's address, for Message-IDs. */
  readonly #host: string;
  readonly #transport;

  constructor(options: EmailOptions, clock: Clock) {
    this.#clock = clock;
    this.#host = hostOf(options.from)!;
    this.#transport = createTransport({ pool: true, ...transportOptions(options) });
  }

  async send(outgoing: Outgoing<EmailContent>, signal: AbortSignal): Promise<SendResult> {
    const message = mailOf(outgoing, this.#host, new Date(this.#clock.now()));
    try {
      const sent = await withinTime(this.#clock, EXCHANGE_MS_MAX, signal, () => this.#transport.sendMail(message));
      return { outcome: 'delivered', providerId: sent.messageId };
    } catch (error) {
      return error instanceof TimeLimitError ? { outcome: 'retry', reason: error.message } : smtpResult(error);
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}

function transportOptions(options: EmailOptions): SMTPPoolOptions {
  const { host, port, secure, requireTls, username, password, concurrency } = options;
  return {
    host: host!,
    port,
    secure,
    requireTLS: requireTls,
    maxConnections: concurrency,
    // Every attempt is ours to count and to space.
    maxRequeues: 0,
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: SILENCE_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    dnsTimeout: CONNECT_MS_MAX,
    ...(username !== undefined && password !== undefined && { auth: { user: username, pass: password } }),
    ...dkimOf(options),
  };
}
