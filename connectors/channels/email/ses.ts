// Hands messages to Amazon SES by its API v2: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
//
// Owns: the request and what SES's errors mean. Does not own: the message (message.ts), what is heard of it later.
//
// Invariants:
//   A1. SES takes a message as often as it is sent, and puts a Message-ID of its own in the place of ours: it has no key to tell a
//       repetition by. Each message carries its action as the tag `tripline-action`, which events of SES name.
//   A2. What every message would meet (the account, its rights, the sender's domain) stops the channel; throttling and what SES says
//       of itself is tried again; what is wrong with the message is final. None of it counts against the address.
//   A3. The package is asked for only by who chooses this provider.

import { createRequire } from 'node:module';
import type { SESv2Client, SESv2ServiceException, SendEmailCommandInput } from '@aws-sdk/client-sesv2';
import { createTransport } from 'nodemailer';
import type { Clock } from '../../../lib/clock.ts';
import { FatalError } from '../../../lib/errors.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Outgoing, SendResult } from '../delivery/sender.ts';
import { hostOf } from './address.ts';
import { dkimOf, type EmailContent, mailOf } from './message.ts';
import type { EmailOptions } from './options.ts';
import type { MailTransport } from './transport.ts';

type Sdk = typeof import('@aws-sdk/client-sesv2');

const PACKAGE = '@aws-sdk/client-sesv2';
/** A message of some megabytes over a slow line. */
const EXCHANGE_MS_MAX = 60_000;
const CONNECT_MS_MAX = 10_000;
/** What SES allows in the value of a tag. */
const TAG_VALUE = /^[A-Za-z0-9_.@-]{1,256}$/;

/** Errors of SendEmail, and those that all of AWS's APIs have, by name. */
const VERDICTS: ReadonlyMap<string, 'stop' | 'later' | 'never'> = new Map([
  ['AccountSuspendedException', 'stop'],
  ['SendingPausedException', 'stop'],
  ['MailFromDomainNotVerifiedException', 'stop'],
  ['NotFoundException', 'stop'],
  ['AccessDeniedException', 'stop'],
  ['InvalidClientTokenId', 'stop'],
  ['InvalidSignatureException', 'stop'],
  ['NotAuthorizedException', 'stop'],
  ['OptInRequired', 'stop'],
  ['SignatureDoesNotMatch', 'stop'],
  ['UnrecognizedClientException', 'stop'],
  ['ExpiredTokenException', 'later'],
  ['InternalServiceErrorException', 'later'],
  // The daily quota, and the rate of sending.
  ['LimitExceededException', 'later'],
  ['RequestExpired', 'later'],
  ['ThrottlingException', 'later'],
  ['TooManyRequestsException', 'later'],
  ['BadRequestException', 'never'],
  ['MessageRejected', 'never'],
]);

export class SesTransport implements MailTransport {
  readonly #clock: Clock;
  readonly #host: string;
  readonly #configurationSet: string | undefined;
  readonly #writer;
  readonly #sdk: Sdk;
  readonly #client: SESv2Client;

  /** Throws FatalError TRG_PACKAGE_MISSING when the package is not installed. */
  constructor(options: EmailOptions, clock: Clock, load: () => Sdk = required) {
    const { region, accessKeyId, secretAccessKey, endpoint, configurationSet } = options.ses!;
    this.#clock = clock;
    this.#host = hostOf(options.from)!;
    this.#configurationSet = configurationSet;
    this.#writer = createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...dkimOf(options) });
    this.#sdk = installed(load);
    this.#client = new this.#sdk.SESv2Client({
      region,
      // Every attempt is ours to count and to space.
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECT_MS_MAX, requestTimeout: EXCHANGE_MS_MAX },
      ...(endpoint !== undefined && { endpoint }),
      ...(accessKeyId !== undefined &&
        secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
    });
  }

  async send(outgoing: Outgoing<EmailContent>, signal: AbortSignal): Promise<SendResult> {
    const message = mailOf(outgoing, this.#host, new Date(this.#clock.now()));
    const { message: raw } = await this.#writer.sendMail(message);
    const input = this.#inputOf(outgoing, raw as Uint8Array);
    try {
      const { MessageId } = await withinTime(this.#clock, EXCHANGE_MS_MAX, signal, (bounded) =>
        this.#client.send(new this.#sdk.SendEmailCommand(input), { abortSignal: bounded }),
      );
      if (MessageId === undefined) return { outcome: 'retry', reason: 'the answer is not one of SES' };
      return { outcome: 'delivered', providerId: MessageId };
    } catch (error) {
      return failureOf(error);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #inputOf({ action, message: { content } }: Outgoing<EmailContent>, raw: Uint8Array): SendEmailCommandInput {
    // Without FromEmailAddress the sender is the message's own.
    return {
      Destination: { ToAddresses: [content.to] },
      Content: { Raw: { Data: raw } },
      ...(this.#configurationSet !== undefined && { ConfigurationSetName: this.#configurationSet }),
      ...(TAG_VALUE.test(action.id) && { EmailTags: [{ Name: 'tripline-action', Value: action.id }] }),
    };
  }
}

/** A2. */
function failureOf(error: unknown): SendResult {
  if (error instanceof TimeLimitError) return { outcome: 'retry', reason: error.message };
  const { name, $metadata, $response } = error as Partial<SESv2ServiceException> & { code?: string };
  const status = $response?.statusCode ?? $metadata?.httpStatusCode;
  const { code } = error as { code?: string };
  if (status === undefined) return { outcome: 'retry', reason: `no connection: ${code ?? name}` };
  const verdict = VERDICTS.get(name ?? '');
  const reason = verdict === undefined ? `SES: HTTP ${status}` : `SES: ${name}`;
  if (verdict === 'stop') return { outcome: 'failed', reason, disable: true };
  if (verdict === 'later' || (verdict === undefined && (status < 400 || status === 429 || status >= 500))) {
    return { outcome: 'retry', reason };
  }
  return { outcome: 'failed', reason };
}

function installed(load: () => Sdk): Sdk {
  try {
    return load();
  } catch (cause) {
    const message = `provider ses of channels.email needs the package ${PACKAGE}: npm install ${PACKAGE}`;
    throw new FatalError('TRG_PACKAGE_MISSING', message, {}, cause);
  }
}

function required(): Sdk {
  return createRequire(import.meta.url)(PACKAGE) as Sdk;
}
