// Where a send of `channel: auto` may go: the channels of its urgency, in an order that follows from what the person does and
// prefers.
//
// Invariants:
//   T2. A function of the rule's urgency, the profile and the event times up to the match: the same in every run (I1).

import { PRESENCE_EVENT } from '../../schemas/internal-events.ts';
import type { Recipient } from './gate.ts';

/** What a send says in the place of a channel. */
export const AUTO = 'auto';

export function autoChannels({ rule, around, scope }: Recipient): readonly string[] {
  const { channels, presenceWindowMs } = around.routing;
  let list = channels[rule.urgency];
  if (rule.urgency === 'critical') return list;
  if (scope.count(PRESENCE_EVENT, presenceWindowMs) > 0) {
    const others = list.filter((name) => name !== 'inapp' && name !== 'push');
    list = list.includes('inapp') ? ['inapp', ...others] : others;
  }
  const preferred = scope.profile['preferredChannel'];
  if (typeof preferred !== 'string' || !list.includes(preferred)) return list;
  return [preferred, ...list.filter((name) => name !== preferred)];
}
