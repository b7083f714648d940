// Text messages.

import { defineChannel } from '../channel.ts';

export const sms = defineChannel({
  id: 'sms',
  description: 'Text messages',
  traits: { template: 'needed', asksConsent: true, addresses: ['phone'], addressKind: 'phone' },
  connector: null,
});
