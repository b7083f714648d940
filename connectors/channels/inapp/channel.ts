// Messages inside an app or site.

import { defineChannel } from '../channel.ts';

export const inapp = defineChannel({
  id: 'inapp',
  description: 'Messages inside an app or site',
  traits: { template: 'needed', asksConsent: true, addresses: null },
  connector: null,
});
