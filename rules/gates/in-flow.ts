// One flow of a rule, an entity and a value of `by` lives at a time (`reentry`), and FLOWS_MAX of an entity.
//
// Invariants:
//   R1. A match is judged against flows as they are at its own event time: one that ended at or before it does not count, one
//       that was begun later by a match that came earlier does.

import { defineGate, REFUSED } from './gate.ts';

/** Flows of an entity that live at a time. */
export const FLOWS_MAX = 64;

export const inFlowGate = defineGate({
  name: 'flow of the rule',
  reason: 'in-flow',
  fields: {},
  compile(_body, { flow }) {
    const { waits, reentry } = flow;
    if (!waits || reentry === 'parallel') return null;
    // What began later cannot be restarted by what came before it.
    const isInTheWay = reentry === 'none' ? 'lives' : 'beginsAfter';
    return {
      refusal: ({ rule, by, flows, match }) => (flows[isInTheWay](rule.id, by, match.at) ? REFUSED : null),
      words: (_candidate, refused) => (refused ? 'a flow of the rule lives (reentry)' : null),
    };
  },
});

export const tooManyFlowsGate = defineGate({
  name: 'number of flows',
  reason: 'too-many-flows',
  fields: {},
  compile(_body, { flow }) {
    if (!flow.waits) return null;
    return {
      refusal: ({ rule, by, flows, match }) => {
        const restarted = flow.reentry === 'restart' && flows.lives(rule.id, by, match.at) ? 1 : 0;
        return flows.count(match.at) - restarted >= FLOWS_MAX ? REFUSED : null;
      },
      words: (_candidate, refused) => (refused ? `${FLOWS_MAX} flows of this one live` : null),
    };
  },
});
