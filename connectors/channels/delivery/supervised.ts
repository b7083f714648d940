// A sender whose faults end with the message that met them, and whose messages say what was missing in them.
//
// Invariants:
//   V1. Whatever a sender throws, for whatever message, is the result of that message: nothing leaves render() or send(), so
//       that one message can end neither the task nor the process.

import { errorName, RecordError } from '../../../lib/errors.ts';
import type { ChannelSender, Failed } from './sender.ts';

/** `missing`: where the sender's templates put what a message shows and is not there. */
export function supervised<Content extends object>(
  sender: ChannelSender<Content>,
  missing: Set<string> = new Set(),
): ChannelSender<Content> {
  return {
    render(action) {
      missing.clear();
      try {
        const rendering = sender.render(action);
        if (rendering.outcome !== 'rendered' || missing.size === 0) return rendering;
        return { ...rendering, message: { ...rendering.message, missing: [...missing] } };
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
