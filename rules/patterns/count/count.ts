// `count`: the number of such events in a sliding window, or of different values among them, reaches a bound.
//
// Owns: which bound it is. Does not own: rising to it (at-least.ts, distinct.ts), falling to it (at-most.ts).

import Type, { type Static } from 'typebox';
import { By, duration, EventNames, expression, fields, type Loose, Where } from '../../language/parts.ts';
import { definePattern, eventFilter, isAnyWritten, msOf, namesInWords, type PatternTools } from '../definition.ts';
import { atLeastPattern, countState } from './at-least.ts';
import { atMostPattern, atMostState } from './at-most.ts';
import { distinctPattern, distinctState } from './distinct.ts';

/** More entries than this in one window would make an entity's document too large to rewrite on every event. */
export const COUNT_MAX = 10_000;

const Count = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    atLeast: Type.Optional(
      Type.Integer({ minimum: 1, maximum: COUNT_MAX, description: 'Fires when the number reaches this.' }),
    ),
    atMost: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: COUNT_MAX,
        description: 'Fires when the number, having been above, falls to this.',
      }),
    ),
    distinct: Type.Optional(expression('Counts different values of this; an event without a value does not count.')),
    within: duration('The sliding window: (t - within, t] at t.'),
    by: Type.Optional(By),
  },
  { description: 'Fires when the number of such events in a sliding window reaches a bound.' },
);

type CountBody = Loose<Static<typeof Count>>;

export const countPattern = definePattern({
  kind: 'count',
  shape: Count,
  // A fall is seen when nothing comes, like an absence; what was still on its way would have prevented it.
  lane: ({ atMost }) => (atMost === undefined ? 'arrival' : 'event-time'),
  states: [countState, distinctState, atMostState],
  compile(body, tools) {
    const { atLeast, atMost } = body;
    const filter = eventFilter(body, tools);
    const wanted = { is: 'key', captures: [], insteadOfEvent: null } as const;
    const distinct = tools.value([...tools.path, 'distinct'], body.distinct, wanted);
    checkBounds(body, tools);
    const words = { withinText: body.within ?? '', nothing: nothingInWords(body) };
    const plan = { filter, distinct, withinMs: msOf(body.within), reorderMs: tools.reorderMs, ...words };
    const pattern =
      atMost !== undefined
        ? atMostPattern({ ...plan, bound: atMost }, tools.readsMatched)
        : body.distinct === undefined
          ? atLeastPattern({ ...plan, bound: atLeast ?? 1 })
          : distinctPattern({ ...plan, bound: atLeast ?? 1 });
    return { pattern, captures: [], eventInThen: true };
  },
});

function nothingInWords({ event, atLeast, atMost, within }: CountBody): string {
  const bound = atLeast === undefined ? `, to fall to ${atMost}` : ` of ${atLeast}`;
  return `count of ${namesInWords(event)} is 0${bound} in ${within}`;
}

function checkBounds({ atLeast, atMost }: CountBody, tools: PatternTools): void {
  if (!isAnyWritten(tools, 'atLeast', 'atMost')) tools.error(tools.path, '"count" needs "atLeast" or "atMost"');
  if (atLeast !== undefined && atMost !== undefined) {
    tools.error([...tools.path, 'atMost'], '"count" has "atLeast" and "atMost"', 'write a rule for each');
  }
}
