// Mail.

import { defineChannel } from '../channel.ts';
import { MESSAGE_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, EmailOptionsSchema } from './options.ts';
import { EmailSender } from './sender.ts';

export const email = defineChannel({
  id: 'email',
  description: 'Mail, over SMTP or by Amazon SES',
  traits: { template: 'needed', asksConsent: true, addresses: ['email'], addressKind: 'email' },
  connector: {
    options: EmailOptionsSchema,
    check: checkMeaning,
    standsInForAddress: ({ to }) => to !== undefined,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: MESSAGE_SCHEDULE_MS,
    open: (options, dependencies) => new EmailSender(options, dependencies),
  },
});
