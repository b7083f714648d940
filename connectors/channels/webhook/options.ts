// The options of the webhook channel: `channels.webhook` in tripline.yaml.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { isPrivateHost } from './private-address.ts';
import { secretKey } from './signature.ts';

export const WebhookOptionsSchema = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://',
      examples: ['https://hooks.example.com/in'],
      description: 'Where to post',
    }),
    secret: Type.Optional(
      Type.String({
        secret: true,
        minLength: 1,
        description: 'Signing secret, `whsec_…`; during a change the new one and the old, with a space between',
      }),
    ),
    allowPrivate: Type.Boolean({ default: false, description: 'Allow private addresses, such as 127.0.0.1' }),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 32,
      description: 'Requests under way at a time, for each partition',
    }),
  },
  { additionalProperties: false, description: 'Webhook; left out: no connector here' },
);

export type WebhookOptions = Type.Static<typeof WebhookOptionsSchema>;

/** What the schema cannot say. */
export function checkMeaning({ url: text, secret, allowPrivate }: WebhookOptions): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong = (name: string, message: string, hint: string | null): void => {
    findings.push({ path: [name], part: 'value', message, hint });
  };
  const url = URL.parse(text);
  if (url === null) {
    wrong('url', '"url" is not a URL', null);
  } else {
    if (url.username !== '' || url.password !== '') wrong('url', '"url" holds a user or password', 'use `secret`');
    if (!allowPrivate && isPrivateHost(url.hostname)) {
      wrong('url', '"url" is a private address', 'public ones only, unless `allowPrivate: true`');
    }
  }
  if (secret !== undefined && secretKeys(secret).includes(null)) {
    wrong('secret', '"secret" is not base64 after whsec_', null);
  }
  return findings;
}

/** The keys of the secrets, null for one that is none. */
export function secretKeys(secret: string | undefined): (Uint8Array | null)[] {
  if (secret === undefined) return [];
  // Only whsec_ secrets are known to hold no space.
  return secret.startsWith('whsec_') ? secret.trim().split(/\s+/).map(secretKey) : [secretKey(secret)];
}
