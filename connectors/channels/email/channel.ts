// Mail.

import { defineChannel } from '../channel.ts';
import { MAIL_SCHEDULE_MS } from '../delivery/backoff.ts';
import { checkMeaning, EmailOptionsSchema } from './options.ts';
import { EmailSender } from './sender.ts';

export const email = defineChannel({
  id: 'email',
  description: 'Mail, over SMTP',
  traits: { template: 'needed', asksConsent: true, addresses: ['email'] },
  connector: {
    options: EmailOptionsSchema,
    check: checkMeaning,
    standsInForAddress: ({ to }) => to !== undefined,
    concurrency: ({ concurrency }) => concurrency,
    retryScheduleMs: MAIL_SCHEDULE_MS,
    open: (options, { clock, templates }) => new EmailSender(options, clock, templates),
  },
});
