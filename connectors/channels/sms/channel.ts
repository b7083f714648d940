// Text messages.

import { defineChannel } from '../channel.ts';
import { MESSAGE_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, SmsOptionsSchema } from './options.ts';
import { SmsSender } from './sender.ts';

export const sms = defineChannel({
  id: 'sms',
  description: 'Text messages, by Twilio or any gateway over HTTP',
  traits: { template: 'needed', asksConsent: true, addresses: ['phone'], addressKind: 'phone' },
  connector: {
    options: SmsOptionsSchema,
    check: checkMeaning,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: MESSAGE_SCHEDULE_MS,
    open: (options, dependencies) => new SmsSender(options, dependencies),
  },
});
