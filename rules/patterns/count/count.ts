// `count`: the number of such events in a sliding window, or of different values among them, reaches a bound.
//
// Owns: which bound it is. Does not own: rising to it (at-least.ts, distinct.ts), falling to it (at-most.ts).

import type { WhenBody } from '../../project/rule-schema.ts';
import { eventFilter, isAnyWritten, msOf, type PatternDefinition, type PatternTools } from '../definition.ts';
import { atLeastPattern } from './at-least.ts';
import { atMostPattern } from './at-most.ts';
import { distinctPattern } from './distinct.ts';

export const countPattern: PatternDefinition = {
  kind: 'count',
  // A fall is seen when nothing comes, like an absence; what was still on its way would have prevented it.
  lane: (when) => (when.count?.atMost === undefined ? 'arrival' : 'event-time'),
  compile(when, tools) {
    const body = when.count ?? {};
    const { atLeast, atMost } = body;
    const filter = eventFilter(body, tools);
    const wanted = { is: 'key', captures: [], insteadOfEvent: null } as const;
    const distinct = tools.value([...tools.path, 'distinct'], body.distinct, wanted);
    checkBounds(body, tools);
    const plan = { filter, distinct, withinMs: msOf(body.within), reorderMs: tools.reorderMs };
    const pattern =
      atMost !== undefined
        ? atMostPattern({ ...plan, bound: atMost }, tools.readsMatched)
        : body.distinct === undefined
          ? atLeastPattern({ ...plan, bound: atLeast ?? 1 })
          : distinctPattern({ ...plan, bound: atLeast ?? 1 });
    return { pattern, captures: [], eventInThen: true };
  },
};

function checkBounds({ atLeast, atMost }: NonNullable<WhenBody['count']>, tools: PatternTools): void {
  if (!isAnyWritten(tools, 'atLeast', 'atMost')) tools.error(tools.path, '"count" needs "atLeast" or "atMost"');
  if (atLeast !== undefined && atMost !== undefined) {
    tools.error([...tools.path, 'atMost'], '"count" has "atLeast" and "atMost"', 'write a rule for each');
  }
}
