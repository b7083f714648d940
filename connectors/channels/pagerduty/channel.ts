// Incidents in PagerDuty.

import { defineChannel } from '../channel.ts';

export const pagerduty = defineChannel({
  id: 'pagerduty',
  description: 'Incidents in PagerDuty',
  traits: { template: 'optional', asksConsent: false, addresses: null },
  connector: null,
});
