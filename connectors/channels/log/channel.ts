// Messages that are printed: what a first start sees, with nothing to set up.

import Type from 'typebox';
import { defineChannel } from '../channel.ts';
import { RETRY_SCHEDULE_MS } from '../delivery/backoff.ts';
import { LogSender, type Print } from './sender.ts';

/** Printing is quick: more at a time would only mix up the order of different people's messages. */
const CONCURRENCY = 1;

export const LogOptionsSchema = Type.Object(
  {
    standIn: Type.Boolean({
      default: false,
      description:
        'Print the messages of all other channels too, as long as they have no settings here; not where another program ' +
        'delivers them',
    }),
  },
  { additionalProperties: false, description: 'Messages on standard output; left out: no connector here' },
);

/** The channel with its own way to print. */
export const logChannel = (print: Print) =>
  defineChannel({
    id: 'log',
    description: 'Messages printed on standard output, to see what would be sent',
    traits: { template: 'optional', asksConsent: false, addresses: null },
    connector: {
      options: LogOptionsSchema,
      concurrency: () => CONCURRENCY,
      retryScheduleMs: RETRY_SCHEDULE_MS,
      open: (_options, dependencies) => new LogSender(print, dependencies),
    },
  });

export const log = logChannel(
  (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    }),
);
