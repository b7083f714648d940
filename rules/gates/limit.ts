// `limit`: at most so many fired decisions of the rule in any sliding window (t - per, t].

import Type from 'typebox';
import { formatDuration } from '../../lib/duration.ts';
import { duration, fields } from '../language/parts.ts';
import { msOf } from '../patterns/definition.ts';
import { isForgotten } from './cooldown.ts';
import { defineGate, REFUSED } from './gate.ts';
import { fitsSlidingWindow } from './windows.ts';

const Limit = fields({
  max: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Fired decisions allowed.' }),
  per: duration('The sliding window.'),
});

export const limitGate = defineGate({
  name: 'limit',
  reason: 'limit',
  fields: {
    limit: Type.Optional(Type.Array(Limit, { minItems: 1, maxItems: 10, description: 'All of them hold.' })),
  },
  compile({ limit }) {
    if (limit === undefined) return null;
    const limits = limit.map((one) => ({ max: one?.max ?? 1, perMs: msOf(one?.per) }));
    return {
      historyMs: Math.max(0, ...limits.map(({ perMs }) => perMs)),
      refusal({ match, fired }) {
        const times = fired.fired.map(({ at }) => at);
        const fits = limits.every(
          ({ max, perMs }) => !isForgotten(fired, match.at - perMs) && fitsSlidingWindow(times, match.at, max, perMs),
        );
        return fits ? null : REFUSED;
      },
      words({ match, fired }, refused) {
        if (!refused) return null;
        const used = limits.map(({ max, perMs }) => {
          const count = fired.fired.filter(({ at }) => at > match.at - perMs && at <= match.at).length;
          return `fired ${count} of ${max} in ${formatDuration(perMs)}`;
        });
        return used.join(', ');
      },
    };
  },
});
