// The options of the slack channel: `channels.slack` in tripline.yaml.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { allowPrivateOption, checkUrl, concurrencyOption, urlOption } from '../http/options.ts';

export const SLACK_API_URL = 'https://slack.com/api';

export const SlackOptionsSchema = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        secret: true,
        pattern: '^https?://',
        examples: ['https://hooks.slack.com/services/…'],
        description: 'Incoming webhook, which posts to the channel that it was made for',
      }),
    ),
    token: Type.Optional(
      Type.String({
        secret: true,
        minLength: 1,
        description: 'Token of a bot that may `chat:write`, in place of `url`',
      }),
    ),
    channel: Type.Optional(
      Type.String({ minLength: 1, examples: ['C0123456789'], description: 'With `token`: channel to post to' }),
    ),
    apiUrl: Type.Optional(
      urlOption({
        description: `With \`token\`: base of the API; left out: \`${SLACK_API_URL}\``,
        example: 'https://slack.com/api',
      }),
    ),
    allowPrivate: allowPrivateOption(),
    concurrency: concurrencyOption(4),
  },
  { additionalProperties: false, description: 'Slack, one message a second; left out: no connector here' },
);

export type SlackOptions = Type.Static<typeof SlackOptionsSchema>;

/** What the schema cannot say. */
export function checkMeaning({ url, token, channel, apiUrl, allowPrivate }: SlackOptions): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong = (
    path: readonly string[],
    part: 'name' | 'value',
    message: string,
    hint: string | null = null,
  ): void => {
    findings.push({ path, part, message, hint });
  };
  if ((url === undefined) === (token === undefined)) {
    wrong([], 'value', 'one of "url" and "token" is needed, and only one', '`url`, or `token` with `channel`');
  } else if (token === undefined) {
    if (channel !== undefined) wrong(['channel'], 'name', '"channel" belongs to "token"', 'a webhook has its own');
    if (apiUrl !== undefined) wrong(['apiUrl'], 'name', '"apiUrl" belongs to "token"');
  } else {
    if (channel === undefined) wrong([], 'value', 'missing field "channel", which "token" needs');
    if (!/^[\x21-\x7e]+$/.test(token)) wrong(['token'], 'value', '"token" holds what no token does');
  }
  if (url !== undefined) findings.push(...checkUrl({ path: ['url'], url, allowPrivate }));
  if (apiUrl !== undefined)
    findings.push(...checkUrl({ path: ['apiUrl'], url: apiUrl, allowPrivate, instead: 'token' }));
  return findings;
}
