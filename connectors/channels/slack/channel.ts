// Messages to a Slack channel.

import { defineChannel } from '../channel.ts';

export const slack = defineChannel({
  id: 'slack',
  description: 'Messages to a Slack channel',
  traits: { template: 'needed', asksConsent: false, addresses: null },
  connector: null,
});
