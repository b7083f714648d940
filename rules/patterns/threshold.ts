// `threshold`: a value stays beyond a bound, once per excursion.
//
// Invariants:
//   T1. An excursion begins with a reading beyond the bound and ends with one that is back: at or behind `clear`, or
//       without it at or behind the bound. Readings between bound and `clear` change nothing.
//   T2. It is reported once: with the reading that begins it or, with `for`, at start + for, unless it ended in
//       (start, start + for]: a reading stamped with the deadline that ends it wins.
//   T3. Readings are taken in the order of the lane; one stamped before the newest is passed over, since a newer value
//       is known. In the arrival lane a reading later than a deadline that was not reported yet reports it, as the
//       reading order says that nothing came in between.

import type { Event } from '../../schemas/event.ts';
import type { Expression, Pattern, PatternInput, ThresholdState } from '../api.ts';
import type { WhenBody } from '../project/rule-schema.ts';
import { type Bound, beyond, boundOf } from './bound.ts';
import {
  type EventFilter,
  eventFilter,
  figureOf,
  interestsOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  type PatternDefinition,
  type PatternTools,
} from './definition.ts';

type ThresholdBody = NonNullable<WhenBody['threshold']>;

interface ThresholdPlan {
  readonly filter: EventFilter;
  /** Null only where it had a mistake; the rule is then not run. */
  readonly value: Expression | null;
  readonly bound: Bound;
  readonly clear: number;
  /** 0: reported at once. */
  readonly holdMs: number;
  /** Whether the data of the reading that began the excursion are read later. */
  readonly keepsData: boolean;
  /** Whether the time of the newest reading matters when there is no excursion. */
  readonly mayComeLate: boolean;
}

export const thresholdPattern: PatternDefinition = {
  kind: 'threshold',
  lane: 'arrival',
  compile(when, tools) {
    const body = when.threshold ?? {};
    const filter = eventFilter(body, tools);
    const wanted = { is: 'figure', captures: [], insteadOfEvent: null } as const;
    const value = tools.value([...tools.path, 'value'], body.value, wanted);
    const bound = boundOf('threshold', body, tools);
    const holdMs = body.for === undefined ? 0 : msOf(body.for);
    const keepsData = tools.readsMatched && holdMs > 0;
    const mayComeLate = tools.reorderMs > 0;
    const clear = clearOf(body, bound, tools);
    const pattern = patternOf({ filter, value, bound, clear, holdMs, keepsData, mayComeLate });
    return { pattern, captures: [], eventInThen: true };
  },
};

function clearOf(body: ThresholdBody, bound: Bound, tools: PatternTools): number {
  const { clear } = body;
  if (clear === undefined) return bound.value;
  if (beyond(bound, clear)) {
    const word = bound.side === 'above' ? 'at most' : 'at least';
    tools.error(
      [...tools.path, 'clear'],
      `"clear" must be ${word} "${bound.side}"`,
      'an excursion ends behind its bound',
    );
  }
  return clear;
}

function patternOf(plan: ThresholdPlan): Pattern<ThresholdState> {
  const { filter, value, bound, holdMs } = plan;
  const isBack = (figure: number): boolean => (bound.side === 'above' ? figure <= plan.clear : figure >= plan.clear);
  return {
    kind: 'threshold',
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return state;
      const figure = value === null ? null : figureOf(value, event, input);
      if (figure === null || event.time < (state?.newest ?? -Infinity)) return state;
      if (state !== null) reportHeld(state, event.time - 1, holdMs, input);
      const next = state ?? { kind: 'threshold', newest: event.time, start: null, fired: false };
      next.newest = event.time;
      if (next.start !== null && isBack(figure)) next.start = null;
      else if (next.start === null && beyond(bound, figure)) begin(plan, next, event, input);
      return next.start === null && !plan.mayComeLate ? null : next;
    },
    onDeadline(state, deadline, input) {
      reportHeld(state, deadline, holdMs, input);
      return state;
    },
    deadlineOf: (state) => heldAt(state, holdMs),
  };
}

function begin(plan: ThresholdPlan, state: ThresholdState, event: Event, input: PatternInput): void {
  state.fired = plan.holdMs === 0;
  state.start = plan.keepsData ? event.packed() : event.withoutData();
  if (state.fired) input.match({ at: event.time, events: [event.messageId], captures: NO_CAPTURES, event });
}

/** When the excursion will have been held for long enough; Infinity: it was reported, or there is none. */
function heldAt({ start, fired }: ThresholdState, holdMs: number): number {
  return start === null || fired ? Infinity : start.time + holdMs;
}

function reportHeld(state: ThresholdState, until: number, holdMs: number, input: PatternInput): void {
  const at = heldAt(state, holdMs);
  if (at > until || state.start === null) return;
  const { start } = state;
  state.fired = true;
  input.match({ at, events: [start.messageId], times: [start.time], captures: NO_CAPTURES, event: start });
}
