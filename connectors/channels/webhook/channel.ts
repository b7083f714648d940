// HTTP requests as Standard Webhooks has them.

import { defineChannel } from '../channel.ts';
import { RETRY_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, WebhookOptionsSchema } from './options.ts';
import { WebhookSender } from './sender.ts';

export const webhook = defineChannel({
  id: 'webhook',
  description: 'Signed HTTP requests to another program (Standard Webhooks)',
  traits: { template: 'optional', asksConsent: false, addresses: null },
  connector: {
    options: WebhookOptionsSchema,
    check: checkMeaning,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: RETRY_SCHEDULE_MS,
    open: (options, dependencies) => new WebhookSender(options, dependencies),
  },
});
