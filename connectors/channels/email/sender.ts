// Hands messages to an SMTP server, over connections that are kept.
//
// Owns: connections, what the server's answer means. Does not own: the message (message.ts), when to try again.
//
// Invariants:
//   K1. A 5xx reply is final; a 4xx reply, a refused log-in and trouble with the connection are tried again. A log-in is
//       our configuration's mistake and no property of the message.

import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { Clock } from '../../../lib/clock.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Action } from '../../../schemas/action.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import type { Templates } from '../templates/templates.ts';
import { hostOf } from './address.ts';
import { EmailComposer, type EmailContent, mailOf } from './message.ts';
import type { EmailOptions } from './options.ts';

/** One exchange, the wait for a free connection included; the longest step, a silent server, ends after SILENCE_MS_MAX. */
const EXCHANGE_MS_MAX = 120_000;
const SILENCE_MS_MAX = 30_000;
const CONNECT_MS_MAX = 10_000;
/** What RFC 6376 recommends, and both headers of RFC 8058, which requires them signed. */
const SIGNED_HEADERS = [
  'From',
  'Reply-To',
  'Subject',
  'Date',
  'To',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
].join(':');

export class EmailSender implements ChannelSender<EmailContent> {
  readonly #clock: Clock;
  /** Of the sender's address, for Message-IDs. */
  readonly #host: string;
  readonly #composer: EmailComposer;
  readonly #transport;

  constructor(options: EmailOptions, clock: Clock, templates: Templates) {
    this.#clock = clock;
    this.#host = hostOf(options.from)!;
    this.#composer = new EmailComposer(options, templates);
    this.#transport = createTransport({ pool: true, ...transportOptions(options) });
  }

  render(action: Action): Rendering<EmailContent> {
    return this.#composer.compose(action);
  }

  async send(outgoing: Outgoing<EmailContent>, signal: AbortSignal): Promise<SendResult> {
    const message = mailOf(outgoing, this.#host, new Date(this.#clock.now()));
    try {
      const sent = await withinTime(this.#clock, EXCHANGE_MS_MAX, signal, () => this.#transport.sendMail(message));
      return { outcome: 'delivered', providerId: sent.messageId };
    } catch (error) {
      return failureOf(error);
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}

function transportOptions(options: EmailOptions): SMTPPoolOptions {
  const { host, port, secure, requireTls, username, password, dkim, concurrency } = options;
  return {
    host,
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
    ...(dkim && {
      dkim: {
        domainName: dkim.domain,
        keySelector: dkim.selector,
        privateKey: dkim.privateKey,
        headerFieldNames: SIGNED_HEADERS,
      },
    }),
  };
}

/** K1. The server's words are left out of the reason: they like to repeat the address. */
function failureOf(error: unknown): SendResult {
  if (error instanceof TimeLimitError) return { outcome: 'retry', reason: error.message };
  const { code, responseCode, response, message } = error as NodemailerError;
  if (responseCode === undefined) return { outcome: 'retry', reason: `no connection: ${code ?? message}` };
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
  const reason = `SMTP ${responseCode}${enhanced === undefined ? '' : ` ${enhanced}`}`;
  return { outcome: responseCode >= 500 && code !== 'EAUTH' ? 'failed' : 'retry', reason };
}
