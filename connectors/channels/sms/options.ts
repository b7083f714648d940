// The options of the sms channel: `channels.sms` in tripline.yaml.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { allowPrivateOption, checkUrl, concurrencyOption, urlOption } from '../http/options.ts';
import { compileLiquid, type LiquidSyntaxError } from '../templates/liquid.ts';

/** Twilio takes 1,600 characters, which are eleven segments of its alphabet; more than a few are seldom meant. */
const SEGMENTS_MAX = 10;
export const TWILIO_URL = 'https://api.twilio.com';

const text = (description: string) => Type.String({ minLength: 1, description });

export const SmsOptionsSchema = Type.Object(
  {
    provider: Type.Enum(['twilio', 'http'], { default: 'twilio', description: 'Who sends them' }),
    url: Type.Optional(
      urlOption({
        description: `twilio: base of its API; left out: \`${TWILIO_URL}\`. http: where each message is posted`,
        example: 'https://sms.example.com/send',
      }),
    ),
    accountSid: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9]{1,64}$', examples: ['AC…'], description: 'twilio: account' }),
    ),
    authToken: Type.Optional(Type.String({ secret: true, minLength: 1, description: 'twilio: its token' })),
    from: Type.Optional(text('Sender: a number such as `+15550100`, a short code or a name')),
    messagingServiceSid: Type.Optional(text('twilio: messaging service that chooses the sender, in place of `from`')),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        secret: true,
        description: 'http: headers of each request, such as `authorization`',
      }),
    ),
    body: Type.Optional(
      text(
        'http: Liquid: the body of each request, from `to`, `text`, `from`, `action` (its id) and what templates see, such as ' +
          '`{ "to": {{ to | json }}, "text": {{ text | json }} }`',
      ),
    ),
    country: Type.Optional(
      Type.String({
        pattern: '^[A-Z]{2}$',
        examples: ['DE'],
        description: 'Country (ISO 3166) of numbers that begin with none; left out: such numbers are no addresses',
      }),
    ),
    maxSegments: Type.Integer({
      minimum: 1,
      maximum: 20,
      default: SEGMENTS_MAX,
      description: 'A text that takes more SMS than this is not sent',
    }),
    allowPrivate: allowPrivateOption(),
    concurrency: concurrencyOption(16),
  },
  { additionalProperties: false, description: 'Text messages; left out: no connector here' },
);

export type SmsOptions = Type.Static<typeof SmsOptionsSchema>;

/** Of each provider: what it needs, and what it alone has. */
const NEEDED = { twilio: ['accountSid', 'authToken'], http: ['url', 'body'] } as const;
const OWN = { twilio: ['accountSid', 'authToken', 'messagingServiceSid'], http: ['headers', 'body'] } as const;

/** What the schema cannot say. */
export function checkMeaning(options: SmsOptions): SchemaFinding[] {
  const { provider, url, headers = {}, body, allowPrivate } = options;
  const findings: SchemaFinding[] = [];
  const wrong = (
    path: readonly string[],
    part: 'name' | 'value',
    message: string,
    hint: string | null = null,
  ): void => {
    findings.push({ path, part, message, hint });
  };
  for (const name of NEEDED[provider]) {
    if (options[name] === undefined) wrong([], 'value', `missing field "${name}", which provider ${provider} needs`);
  }
  const other = provider === 'twilio' ? 'http' : 'twilio';
  for (const name of OWN[other]) {
    if (options[name] !== undefined) wrong([name], 'name', `"${name}" belongs to provider ${other}`);
  }
  if (provider === 'twilio' && (options.from === undefined) === (options.messagingServiceSid === undefined)) {
    wrong([], 'value', 'one of "from" and "messagingServiceSid" is needed, and only one');
  }
  if (url !== undefined) findings.push(...checkUrl({ path: ['url'], url, allowPrivate, instead: 'headers' }));
  for (const [name, value] of Object.entries(headers)) {
    const isHeader = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
    if (!isHeader)
      wrong(['headers', name], 'value', `"headers" has one that HTTP does not allow: ${JSON.stringify(name)}`);
  }
  if (body !== undefined) {
    try {
      compileLiquid(body, 'none');
    } catch (error) {
      const { message, hint } = error as LiquidSyntaxError;
      wrong(['body'], 'value', `"body" is not Liquid: ${message}`, hint);
    }
  }
  return findings;
}
