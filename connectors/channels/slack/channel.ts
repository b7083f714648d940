// Messages to a Slack channel.

import { defineChannel } from '../channel.ts';
import { MESSAGE_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, SlackOptionsSchema } from './options.ts';
import { SlackSender } from './sender.ts';

export const slack = defineChannel({
  id: 'slack',
  description: 'Messages to a Slack channel',
  traits: { template: 'needed', asksConsent: false, addresses: null },
  connector: {
    options: SlackOptionsSchema,
    check: checkMeaning,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: MESSAGE_SCHEDULE_MS,
    // https://docs.slack.dev/apis/web-api/rate-limits: one a second for each channel, incoming webhooks likewise.
    ratePerSecond: 1,
    open: (options, dependencies) => new SlackSender(options, dependencies),
  },
});
