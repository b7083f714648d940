// Push notifications of apps and browsers.

import { defineChannel } from '../channel.ts';
import { RETRY_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, PushOptionsSchema } from './options.ts';
import { PushSender } from './sender.ts';

export const push = defineChannel({
  id: 'push',
  description: 'Push notifications of apps and browsers',
  traits: { template: 'needed', asksConsent: true, addresses: ['pushToken', 'pushTokens'], usesDevices: true },
  connector: {
    options: PushOptionsSchema,
    check: checkMeaning,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: RETRY_SCHEDULE_MS,
    open: (options, dependencies) => PushSender.open(options, dependencies),
  },
});
