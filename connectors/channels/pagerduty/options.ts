// The options of the pagerduty channel: `channels.pagerduty` in tripline.yaml.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { allowPrivateOption, checkUrl, concurrencyOption, urlOption } from '../http/options.ts';

export const PagerDutyOptionsSchema = Type.Object(
  {
    routingKey: Type.String({
      secret: true,
      minLength: 1,
      description: "Integration key of a service's Events API v2 integration",
    }),
    url: urlOption({
      description: 'Base of the Events API; `https://events.eu.pagerduty.com` in the EU',
      example: 'https://events.pagerduty.com',
      default: 'https://events.pagerduty.com',
    }),
    allowPrivate: allowPrivateOption(),
    concurrency: concurrencyOption(8),
  },
  { additionalProperties: false, description: 'PagerDuty; left out: no connector here' },
);

export type PagerDutyOptions = Type.Static<typeof PagerDutyOptionsSchema>;

/** What the schema cannot say. */
export function checkMeaning({ url, allowPrivate }: PagerDutyOptions): SchemaFinding[] {
  return checkUrl({ path: ['url'], url, allowPrivate, instead: 'routingKey' });
}
