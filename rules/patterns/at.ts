// `at`: a moment before or after a date, which the profile or a captured event tells.
//
// Invariants:
//   D1. The moment is date - before, or date + after, or the date. Whatever tells the date again sets it anew: another
//       date moves the moment, the same one changes nothing, and a date that is null or cannot be read cancels it.
//   D2. It fires at the moment, once, after the events stamped with it (docs/rules.md).
//   D3. A moment that has passed when its date becomes known never fires: a trial that ended last year reminds nobody.

import Type, { type Static } from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import { PROFILE_EVENT } from '../../schemas/internal-events.ts';
import type { StateCodec } from '../../schemas/section.ts';
import { momentOf } from '../expressions/functions.ts';
import type { Expression } from '../expressions/scope.ts';
import { As, By, duration, EventNames, expression, fields, type Loose, Where } from '../language/parts.ts';
import {
  definePattern,
  type EventFilter,
  eventFilter,
  interestsOf,
  isoOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  type PatternTools,
} from './definition.ts';
import type { Pattern, PatternInput } from './pattern.ts';

const At = fields(
  {
    event: Type.Optional(EventNames),
    where: Type.Optional(Where),
    as: Type.Optional(As),
    date: expression(
      'A time, or text such as 2026-01-01T10:00:00Z or 2026-01-01; of the profile, or of the named event.',
    ),
    before: Type.Optional(duration('Fires this long before the date.')),
    after: Type.Optional(duration('Fires this long after the date.')),
    by: Type.Optional(By),
  },
  { description: 'Fires at a moment, which moves when the date changes.' },
);

type AtBody = Loose<Static<typeof At>>;

export interface AtState {
  readonly kind: 'at';
  moment: number;
  /** Whether nothing more is to come of this moment. */
  over: boolean;
  /** The event that told the date. */
  source: Event;
}

const parts = binary.record<Omit<AtState, 'kind'>>({
  moment: binary.integer,
  over: binary.boolean,
  source: binary.event,
});
const state: StateCodec<AtState> = {
  kind: 'at',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'at', ...parts.read(input) }),
};

interface AtPlan {
  /** What tells the date: the events named, or identify messages. */
  readonly filter: EventFilter;
  readonly capture: string | null;
  /** Null only where it had a mistake; the rule is then not run. */
  readonly date: Expression | null;
  /** From the date to the moment. */
  readonly offsetMs: number;
  readonly keepsData: boolean;
  /** Whether an event stamped before a moment may come after it has fired. */
  readonly mayComeLate: boolean;
}

const INSTEAD_OF_EVENT =
  'the date is of the profile, or name its event: at: { event: …, as: name, date: name.properties.… }';

export const atPattern = definePattern({
  kind: 'at',
  shape: At,
  lane: 'event-time',
  states: [state],
  compile(body, tools) {
    const capture = tools.capture([...tools.path, 'as'], body.as);
    const captures = capture === null ? [] : [capture];
    const filter = eventFilter(body, tools, ['identify', PROFILE_EVENT]);
    if (body.event === undefined) refuseEventFields(body, tools);
    const insteadOfEvent = body.event === undefined ? INSTEAD_OF_EVENT : null;
    const date = tools.value([...tools.path, 'date'], body.date, { is: 'moment', captures, insteadOfEvent });
    const keepsData = capture !== null || tools.readsMatched;
    const mayComeLate = tools.reorderMs > 0;
    const pattern = patternOf({ filter, capture, date, offsetMs: offsetOf(body, tools), keepsData, mayComeLate });
    return { pattern, captures, eventInThen: true };
  },
});

function refuseEventFields(body: AtBody, tools: PatternTools): void {
  for (const field of ['where', 'as'] as const) {
    if (body[field] === undefined) continue;
    tools.error([...tools.path, field], `"${field}" is about an event, and there is none`, 'name it: at: { event: … }');
  }
}

function offsetOf(body: AtBody, tools: PatternTools): number {
  const { before, after } = body;
  if (before !== undefined && after !== undefined) {
    tools.error([...tools.path, 'after'], '"at" has "before" and "after"', 'one of them');
  }
  return before === undefined ? (after === undefined ? 0 : msOf(after)) : -msOf(before);
}

function patternOf(plan: AtPlan): Pattern<AtState> {
  return {
    state,
    interests: interestsOf([plan.filter]),
    onEvent(state, event, input) {
      if (!matchesFilter(plan.filter, event, NO_CAPTURES, input)) return state;
      // In the arrival lane an event may come before the deadline that is due ahead of it.
      if (state !== null) report(plan, state, event.time - 1, input);
      const moment = momentFor(plan, event, input);
      if (moment === null) return null;
      if (moment === state?.moment) return state;
      const source = plan.keepsData ? event.packed() : event.withoutData();
      return unlessOver(plan, { kind: 'at', moment, over: moment < event.time, source });
    },
    onDeadline(state, deadline, input) {
      report(plan, state, deadline, input);
      return unlessOver(plan, state);
    },
    deadlineOf: (state) => (state.over ? Infinity : state.moment),
    words: {
      nothing: 'there is no date yet',
      progress: ({ over, moment }) =>
        over ? `the moment ${isoOf(moment)} is over` : `fires at ${isoOf(moment)} unless the date changes`,
      deadline: () => 'the moment has come',
    },
  };
}

/** Null: there is no date, or it cannot be read, which is reported. */
function momentFor(plan: AtPlan, event: Event, input: PatternInput): number | null {
  if (plan.date === null) return null;
  input.scope.event = event;
  input.scope.captures = plan.capture === null ? NO_CAPTURES : { [plan.capture]: event };
  try {
    const value = plan.date.evaluate(input.scope);
    if (value === null || value === undefined) return null;
    const date = typeof value === 'string' ? momentOf(value) : value;
    input.scope.observer?.(plan.date, date, input.scope);
    if (date instanceof Date) return date.getTime() + plan.offsetMs;
    input.failed(plan.date.source, new TypeError(noTime(date)));
  } catch (error) {
    input.failed(plan.date.source, error);
  }
  return null;
}

/** Why a value is no date, with the mend where it is a number that would be one. */
function noTime(value: unknown): string {
  if (typeof value !== 'number' && typeof value !== 'bigint')
    return 'the date must be a time, or text such as 2026-01-01';
  const digits = Math.abs(Number(value)) < 1e11 ? 'int(…)' : 'int(… / 1000)';
  return `the date must be a time, and this is a number: of ${digits === 'int(…)' ? 'seconds' : 'milliseconds'} since 1970 write timestamp(${digits})`;
}

/** Nothing need be kept of a moment that is over, where whatever tells its date again is later than it (D3). */
function unlessOver(plan: AtPlan, state: AtState): AtState | null {
  return state.over && !plan.mayComeLate ? null : state;
}

function report(plan: AtPlan, state: AtState, until: number, input: PatternInput): void {
  if (state.over || state.moment > until) return;
  const { source, moment } = state;
  const captures = plan.capture === null ? NO_CAPTURES : { [plan.capture]: source };
  state.over = true;
  input.match({ at: moment, events: [source.messageId], times: [source.time], captures, event: source });
}
