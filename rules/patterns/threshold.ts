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

import Type, { type Static } from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { StateCodec } from '../../schemas/section.ts';
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
  isoOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  NOTHING_KEPT,
  type PatternTools,
} from './definition.ts';
import type { Pattern, PatternInput } from './pattern.ts';

const Threshold = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    value: expression('The figure that is watched.'),
    ...BOUND,
    for: Type.Optional(duration('The excursion must last this long; it fires then.')),
    clear: Type.Optional(
      Type.Number({ description: 'The excursion ends only at this value or behind it. Default: the bound.' }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires once for each excursion of a value beyond a bound.' },
);

type ThresholdBody = Loose<Static<typeof Threshold>>;

export interface ThresholdState {
  readonly kind: 'threshold';
  /** Time of the newest reading. */
  newest: number;
  /** The reading that began the excursion; null: there is none. */
  start: Event | null;
  /** Whether this excursion was reported. */
  fired: boolean;
}

const parts = binary.record<Omit<ThresholdState, 'kind'>>({
  newest: binary.integer,
  start: binary.nullable(binary.event),
  fired: binary.boolean,
});
const state: StateCodec<ThresholdState> = {
  kind: 'threshold',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'threshold', ...parts.read(input) }),
};

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
  readonly body: ThresholdBody;
}

export const thresholdPattern = definePattern({
  kind: 'threshold',
  shape: Threshold,
  lane: 'arrival',
  states: [state],
  compile(body, tools) {
    const filter = eventFilter(body, tools);
    const wanted = { is: 'figure', captures: [], insteadOfEvent: null } as const;
    const value = tools.value([...tools.path, 'value'], body.value, wanted);
    const bound = boundOf('threshold', body, tools);
    const holdMs = body.for === undefined ? 0 : msOf(body.for);
    const keepsData = tools.readsMatched && holdMs > 0;
    const mayComeLate = tools.reorderMs > 0;
    const clear = clearOf(body, bound, tools);
    const pattern = patternOf({ filter, value, bound, clear, holdMs, keepsData, mayComeLate, body });
    return { pattern, captures: [], eventInThen: true };
  },
});

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
    state,
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
    words: {
      nothing: NOTHING_KEPT,
      progress({ start, fired }, _now, until) {
        if (start === null) return `no excursion is under way${boundInWords(plan.body)}`;
        const since = `beyond the bound since ${isoOf(start.time)}`;
        if (fired) return `${since}, which was reported; it must come back first`;
        return until === '' ? since : `${since}: fires at ${until} if it stays so`;
      },
      deadline: () => `it stayed beyond the bound for ${plan.body.for ?? 'so long'}`,
    },
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
