// A sender whose faults end with the message that met them.
//
// Invariants:
//   V1. Whatever a sender throws, for whatever message, is the result of that message: no rejection leaves send(), so that one
//       message can end neither the task nor the process.

import { errorName } from '../../../lib/errors.ts';
import type { ChannelSender } from './sender.ts';

export function supervised(sender: ChannelSender): ChannelSender {
  return {
    async send(action, attempt, signal, traceparent) {
      try {
        return await sender.send(action, attempt, signal, traceparent);
      } catch (error) {
        // The error's own words may quote the message.
        return { outcome: 'failed', reason: `the connector failed on this message: ${errorName(error)}` };
      }
    },
    close: () => sender.close(),
  };
}
