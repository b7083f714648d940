// Messages inside an app or site.

import { defineChannel } from '../channel.ts';
import { RETRY_SCHEDULE_MS } from '../delivery/backoff.ts';
import { InappOptionsSchema } from './options.ts';
import { InappSender } from './sender.ts';

/** It needs nobody else: its sends are steps of the task. */
const CONCURRENCY = 256;

export const inapp = defineChannel({
  id: 'inapp',
  description: 'Messages inside an app or site',
  traits: { template: 'needed', asksConsent: true, addresses: null },
  connector: {
    options: InappOptionsSchema,
    concurrency: () => CONCURRENCY,
    retryScheduleMs: RETRY_SCHEDULE_MS,
    open: (_options, dependencies) => new InappSender(dependencies),
  },
});
