// A sender whose faults end with the message that met them.
//
// Invariants:
//   V1. Whatever a sender throws, for whatever message, is the result of that message: nothing leaves render() or send(), so
//       that one message can end neither the task nor the process.

import { errorName, RecordError } from '../../../lib/errors.ts';
import type { ChannelSender, Failed } from './sender.ts';

export function supervised<Content extends object>(sender: ChannelSender<Content>): ChannelSender<Content> {
  return {
    render(action) {
      try {
        return sender.render(action);
      } catch (error) {
        return failureOf(error);
      }
    },
    async send(outgoing, signal) {
      try {
        return await sender.send(outgoing, signal);
      } catch (error) {
        return failureOf(error);
      }
    },
    close: () => sender.close(),
  };
}

function failureOf(error: unknown): Failed {
  if (error instanceof RecordError) return { outcome: 'failed', reason: error.message, code: error.code };
  // The error's own words may quote the message.
  return { outcome: 'failed', reason: `the connector failed on this message: ${errorName(error)}` };
}
