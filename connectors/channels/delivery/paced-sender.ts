// A sender that keeps to as many messages a second as its provider takes.
//
// Invariants:
//   P1. Two sends begin at least one over `perSecond` apart, in the order in which they were asked for. Each engine thread has a
//       sender of its own.

import type { Clock } from '../../../lib/clock.ts';
import type { ChannelSender } from './sender.ts';

export function pacedSender(sender: ChannelSender, perSecond: number, clock: Clock): ChannelSender {
  const gapMs = 1_000 / perSecond;
  let free = Number.NEGATIVE_INFINITY;
  return {
    render: (action) => sender.render(action),
    async send(outgoing, signal) {
      const now = clock.now();
      const start = Math.max(now, free);
      free = start + gapMs;
      if (start > now) await clock.sleep(start - now, signal);
      return sender.send(outgoing, signal);
    },
    close: () => sender.close(),
  };
}
