// Push notifications of apps and browsers.

import { defineChannel } from '../channel.ts';

export const push = defineChannel({
  id: 'push',
  description: 'Push notifications of apps and browsers',
  traits: { template: 'needed', asksConsent: true, addresses: ['pushToken', 'pushTokens'], usesDevices: true },
  connector: null,
});
