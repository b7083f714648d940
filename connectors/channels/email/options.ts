// The options of the email channel: `channels.email` in tripline.yaml.

import Type from 'typebox';
import { isPrivateKey } from '../../../lib/private-key.ts';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { compileLiquid, type LiquidSyntaxError } from '../templates/liquid.ts';
import { hostOf } from './address.ts';

const text = (description: string) => Type.String({ minLength: 1, description });
const secret = (description: string) => Type.String({ secret: true, minLength: 1, description });

export const EmailOptionsSchema = Type.Object(
  {
    provider: Type.Enum(['smtp', 'ses'], { default: 'smtp', description: 'How mail leaves' }),
    host: Type.Optional(text('smtp: server')),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: 'smtp: its port' }),
    secure: Type.Boolean({
      default: false,
      description: 'smtp: TLS from the first byte; otherwise STARTTLS when offered',
    }),
    requireTls: Type.Boolean({ default: false, description: 'smtp: send nothing when the server offers no STARTTLS' }),
    username: Type.Optional(text('smtp: user, when the server wants a log-in')),
    password: Type.Optional(secret('smtp: password')),
    ses: Type.Optional(
      Type.Object(
        {
          region: text('Region of AWS, such as `eu-central-1`'),
          accessKeyId: Type.Optional(text("Access key; left out: as AWS's SDK finds one (environment, role)")),
          secretAccessKey: Type.Optional(secret('Its secret')),
          endpoint: Type.Optional(
            Type.String({
              pattern: '^https?://',
              examples: ['https://email.eu-central-1.amazonaws.com'],
              description: "Another endpoint than the region's",
            }),
          ),
          configurationSet: Type.Optional(text('Configuration set, which tells of bounces, opens and clicks')),
        },
        { additionalProperties: false, description: 'ses: Amazon SES; needs the package `@aws-sdk/client-sesv2`' },
      ),
    ),
    from: text('Sender, such as `Shop <hello@shop.test>`'),
    to: Type.Optional(text('Liquid: the address of who has no `profile.email`')),
    subject: Type.Optional(text('Liquid: the subject where a template has none')),
    unsubscribeUrl: Type.Optional(
      text('Liquid: URL of one-click unsubscription, for List-Unsubscribe and List-Unsubscribe-Post'),
    ),
    dkim: Type.Optional(
      Type.Object(
        {
          domain: text('Signing domain'),
          selector: text('Selector: the public key is at `<selector>._domainkey.<domain>`'),
          privateKey: secret('Private key, PEM'),
        },
        { additionalProperties: false, description: 'DKIM signature' },
      ),
    ),
    tracking: Type.Object(
      {
        opens: Type.Boolean({ default: true, description: 'A pixel tells that a mail was opened' }),
        clicks: Type.Boolean({ default: true, description: 'Links lead over ours, which tell that they were clicked' }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'What is told of mails, once there is an `http.publicUrl`',
      },
    ),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 8,
      description: 'Connections to the server, and messages under way at a time for each partition',
    }),
  },
  { additionalProperties: false, description: 'Email; left out: no connector here' },
);

export type EmailOptions = Type.Static<typeof EmailOptionsSchema>;

/** What the schema cannot say. */
export function checkMeaning(options: EmailOptions): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong = (path: readonly string[], message: string, hint: string | null = null): void => {
    findings.push({ path, part: 'value', message, hint });
  };
  const { provider, ses } = options;
  if (provider === 'smtp' && options.host === undefined) {
    wrong([], 'missing field "host", which provider smtp needs');
  }
  if (provider === 'ses' && ses === undefined) wrong([], 'missing field "ses", which provider ses needs');
  for (const name of provider === 'smtp' ? (['ses'] as const) : (['host', 'username', 'password'] as const)) {
    if (options[name] !== undefined) {
      wrong([name], `"${name}" belongs to provider ${provider === 'smtp' ? 'ses' : 'smtp'}`);
    }
  }
  if (ses !== undefined && (ses.accessKeyId === undefined) !== (ses.secretAccessKey === undefined)) {
    const missing = ses.accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey';
    wrong(['ses', missing], '"ses.accessKeyId" and "ses.secretAccessKey" go together');
  }
  if (hostOf(options.from) === null) {
    wrong(['from'], '"from" is not one email address', 'such as `Shop <hello@shop.test>`');
  }
  for (const name of ['to', 'subject', 'unsubscribeUrl'] as const) {
    const template = options[name];
    if (template === undefined) continue;
    try {
      compileLiquid(template, 'none');
    } catch (error) {
      const { message, hint } = error as LiquidSyntaxError;
      wrong([name], `"${name}" is not Liquid: ${message}`, hint);
    }
  }
  if ((options.username === undefined) !== (options.password === undefined)) {
    wrong([options.username === undefined ? 'password' : 'username'], '"username" and "password" go together');
  }
  if (options.dkim !== undefined && !isPrivateKey(options.dkim.privateKey)) {
    wrong(['dkim', 'privateKey'], '"dkim.privateKey" is not a private key in PEM');
  }
  return findings;
}
