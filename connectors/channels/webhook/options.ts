// The options of the webhook channel: `channels.webhook` in tripline.yaml.

import type { KeyObject } from 'node:crypto';
import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { allowPrivateOption, checkUrl, concurrencyOption, oauthOption, urlOption } from '../http/options.ts';
import { secretKey } from './signature.ts';

export const WebhookOptionsSchema = Type.Object(
  {
    url: urlOption({ description: 'Where to post', example: 'https://hooks.example.com/in' }),
    secret: Type.Optional(
      Type.String({
        secret: true,
        minLength: 1,
        description: 'Signing secret, `whsec_…`; during a change the new one and the old, with a space between',
      }),
    ),
    oauth: Type.Optional(oauthOption()),
    allowPrivate: allowPrivateOption(),
    concurrency: concurrencyOption(32),
  },
  { additionalProperties: false, description: 'Webhook; left out: no connector here' },
);

export type WebhookOptions = Type.Static<typeof WebhookOptionsSchema>;

/** What the schema cannot say. */
export function checkMeaning({ url, secret, oauth, allowPrivate }: WebhookOptions): SchemaFinding[] {
  const findings = checkUrl({ path: ['url'], url, allowPrivate, instead: 'secret' });
  if (oauth !== undefined) {
    findings.push(...checkUrl({ path: ['oauth', 'tokenUrl'], url: oauth.tokenUrl, allowPrivate, instead: 'clientId' }));
  }
  if (secret !== undefined && secretKeys(secret).includes(null)) {
    findings.push({ path: ['secret'], part: 'value', message: '"secret" is not base64 after whsec_', hint: null });
  }
  return findings;
}

/** The keys of the secrets, null for one that is none. */
export function secretKeys(secret: string | undefined): (KeyObject | null)[] {
  if (secret === undefined) return [];
  // Only whsec_ secrets are known to hold no space.
  return secret.startsWith('whsec_') ? secret.trim().split(/\s+/).map(secretKey) : [secretKey(secret)];
}
