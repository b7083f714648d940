// `cooldown`: quiet for a while after the last fired decision.
//
// Invariants:
//   D1. Counted from the last fired decision at t, allowed again at t + D or later (docs/rules.md).

import Type from 'typebox';
import { duration, expression, fields } from '../language/parts.ts';
import { msOf } from '../patterns/definition.ts';
import { type Candidate, defineGate, type FiredDecisions, REFUSED } from './gate.ts';

const Cooldown = Type.Union(
  [
    duration('Quiet for this long after the last fired decision.'),
    fields({
      for: duration('Quiet for this long after the last fired decision.'),
      key: Type.Optional(expression('One cooldown for each value of this.')),
    }),
  ],
  { description: 'Counted from the last fired decision at t; allowed again at t + duration.' },
);

export const cooldownGate = defineGate({
  name: 'cooldown',
  reason: 'cooldown',
  fields: { cooldown: Type.Optional(Cooldown) },
  compile({ cooldown }) {
    if (cooldown === undefined) return null;
    const forMs = msOf(typeof cooldown === 'string' ? cooldown : cooldown.for);
    return {
      historyMs: forMs,
      refusal: (candidate) => (isOver(candidate, forMs) ? null : REFUSED),
      words(candidate, refused) {
        if (!refused) return null;
        const last = lastFired(candidate);
        const [at, until] = [last, last + forMs].map((time) => new Date(time).toISOString());
        return `it fired at ${at}; cooldown until ${until}`;
      },
    };
  },
});

function isOver({ match, fired, firedKey }: Candidate, forMs: number): boolean {
  if (isForgotten(fired, match.at - forMs)) return false;
  return !fired.fired.some(({ key, at }) => key === firedKey && match.at < at + forMs);
}

function lastFired({ fired, firedKey }: Candidate): number {
  return Math.max(...fired.fired.filter(({ key }) => key === firedKey).map(({ at }) => at), fired.forgotten);
}

/** Whether a fired decision stamped after `time` is no longer known. */
export function isForgotten({ forgotten }: FiredDecisions, time: number): boolean {
  return forgotten >= 0 && time < forgotten;
}
