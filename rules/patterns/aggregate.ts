// `aggregate`: a figure over the events of a sliding window crosses a bound.
//
// Owns: the crossing. Does not own: the window's rows (window-rows.ts).
//
// Invariants:
//   G1. The window of an event at t is (t - within, t]. It fires if the figure just before the event, at its time, was
//       not beyond the bound, and with the event it is. A window without events has no figure, which is beyond nothing.
//   G2. An event whose value fails or is no number is not seen.
//   G3. An event further behind the newest than reorderMs completes nothing, since what its window held may have been
//       dropped; where it would have, that is counted.
//
// In the arrival lane an event may come behind newer ones. It is judged by the window that ends with it, and counts in
// the windows of those that come later; `order: event-time` judges all of them in order.

import Type, { type Static } from 'typebox';
import type { Expression } from '../expressions/scope.ts';
import { BOUND, By, duration, EventNames, expression, fields, type Loose, Where } from '../language/parts.ts';
import { type Bound, beyond, boundOf } from './bound.ts';
import {
  boundInWords,
  definePattern,
  type EventFilter,
  eventFilter,
  figureOf,
  interestsOf,
  isAnyWritten,
  many,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  NO_DEADLINE_WORDS,
  NOTHING_KEPT,
  type PatternTools,
} from './definition.ts';
import type { Pattern } from './pattern.ts';
import {
  type AggregateState,
  addRow,
  aggregateState,
  endAt,
  figureIn,
  forgetRows,
  type Summary,
  type WindowBounds,
} from './window-rows.ts';

const Aggregate = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    sum: Type.Optional(expression('Summed.')),
    avg: Type.Optional(expression('Averaged.')),
    min: Type.Optional(expression('The least.')),
    max: Type.Optional(expression('The greatest.')),
    last: Type.Optional(expression('The newest.')),
    within: duration('The sliding window: (t - within, t] at an event of t.'),
    ...BOUND,
    by: Type.Optional(By),
  },
  { description: 'Fires when a figure over a sliding window crosses a bound. One of sum, avg, min, max and last.' },
);

type AggregateBody = Loose<Static<typeof Aggregate>>;

const SUMMARIES: readonly Summary[] = ['sum', 'avg', 'min', 'max', 'last'];

interface AggregatePlan {
  readonly filter: EventFilter;
  readonly summary: Summary;
  /** Null only where it had a mistake; the rule is then not run. */
  readonly value: Expression | null;
  readonly bounds: WindowBounds;
  readonly bound: Bound;
  readonly body: AggregateBody;
}

export const aggregatePattern = definePattern({
  kind: 'aggregate',
  shape: Aggregate,
  lane: 'arrival',
  states: [aggregateState],
  compile(body, tools) {
    const filter = eventFilter(body, tools);
    const summary = summaryOf(body, tools);
    const wanted = { is: 'figure', captures: [], insteadOfEvent: null } as const;
    const value = tools.value([...tools.path, summary], body[summary], wanted);
    const bounds = { withinMs: msOf(body.within), reorderMs: tools.reorderMs };
    const pattern = patternOf({ filter, summary, value, bounds, bound: boundOf('aggregate', body, tools), body });
    return { pattern, captures: [], eventInThen: true };
  },
});

function summaryOf(body: AggregateBody, tools: PatternTools): Summary {
  const named = SUMMARIES.filter((summary) => body[summary] !== undefined);
  if (named.length > 1)
    tools.error(tools.path, `"aggregate" has ${named.join(' and ')}`, 'one of them is asked at a time');
  if (!isAnyWritten(tools, ...SUMMARIES))
    tools.error(tools.path, '"aggregate" says nothing to add up', `one of ${SUMMARIES.join(', ')}`);
  return named[0] ?? 'sum';
}

function patternOf(plan: AggregatePlan): Pattern<AggregateState> {
  const { filter, summary, value, bounds, bound, body } = plan;
  return {
    state: aggregateState,
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return state;
      const figure = value === null ? null : figureOf(value, event, input);
      if (figure === null) return state;
      const rows = state ?? { kind: 'aggregate', times: [], values: [], counts: [] };
      const isTooLate = event.time < (rows.times.at(-1) ?? -Infinity) - bounds.reorderMs;
      const from = endAt(rows, event.time - bounds.withinMs);
      const end = endAt(rows, event.time);
      const before = figureIn(rows, from, end, summary);
      addRow(rows, end, event.time, figure);
      const after = figureIn(rows, from, end + 1, summary);
      const crosses = beyond(bound, after) && !beyond(bound, before);
      if (crosses && isTooLate) input.dropped('late');
      else if (crosses) input.match({ at: event.time, events: [event.messageId], captures: NO_CAPTURES, event });
      forgetRows(rows, summary, bounds);
      return rows;
    },
    onDeadline: (state) => state,
    deadlineOf: () => Infinity,
    words: {
      nothing: NOTHING_KEPT,
      progress({ times, counts }) {
        const rows = counts.length === 0 ? times.length : counts.reduce((sum, count) => sum + count, 0);
        return `has ${many(rows, 'figure')} of the last ${body.within ?? 'events'}${boundInWords(body)}`;
      },
      ...NO_DEADLINE_WORDS,
    },
  };
}
