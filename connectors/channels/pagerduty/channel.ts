// Incidents in PagerDuty.

import { defineChannel } from '../channel.ts';
import { RETRY_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, PagerDutyOptionsSchema } from './options.ts';
import { PagerDutySender } from './sender.ts';

export const pagerduty = defineChannel({
  id: 'pagerduty',
  description: 'Incidents in PagerDuty (Events API v2)',
  traits: { template: 'optional', asksConsent: false, addresses: null },
  connector: {
    options: PagerDutyOptionsSchema,
    check: checkMeaning,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: RETRY_SCHEDULE_MS,
    open: (options, dependencies) => new PagerDutySender(options, dependencies),
  },
});
