// `baseline`: the entity's rate leaves what was usual for it.
//
// Owns: windows as counts. The windows of an entity follow each other from its first event on, so that they end at
// different times for different entities, and a whole history is one number a window.
//
// Invariants:
//   L1. Window k is (start + k * window, start + (k + 1) * window]; the first holds the event at `start` too. The
//       baseline is the average number of events in the `against` windows before the current one; there is none before
//       so many are full, nor when all are empty.
//   L2. A drop is seen when a window ends: its number is at most (100 - dropBy) % of the baseline. It fires at the end,
//       after the events stamped with it; again only after a window that did not drop.
//   L3. A rise is seen with the event that brings the current window to at least (100 + riseBy) % of the baseline;
//       again only after a window that ended below that.
//   L4. When the current and all previous windows are empty, nothing is kept, and the next event starts anew.
//   L5. An event stamped before the current window (arrival order) counts in the window that it belongs to, and fires
//       nothing. One later than a window's end that was not reported yet ends that window first.

import Type, { type Static } from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { StateCodec } from '../../schemas/section.ts';
import { By, duration, EventNames, fields, type Loose, percent, Where } from '../language/parts.ts';
import {
  definePattern,
  type EventFilter,
  eventFilter,
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
import type { Pattern, PatternInput } from './pattern.ts';

/** Below it a baseline is noise; above it, the document holds more numbers than anyone compares with. */
const WINDOWS_MAX = 366;

const Baseline = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    window: duration("Length of a window; they follow each other from the entity's first event on."),
    against: Type.Integer({
      minimum: 1,
      maximum: WINDOWS_MAX,
      description: 'Number of windows before it, whose average is the baseline.',
    }),
    dropBy: Type.Optional(percent('Fires at the end of a window that is this much below the baseline, or more.')),
    riseBy: Type.Optional(percent('Fires with the event that brings a window this much above the baseline.')),
    by: Type.Optional(By),
  },
  { description: "Fires when the entity's rate leaves its own baseline." },
);

type BaselineBody = Loose<Static<typeof Baseline>>;

export interface BaselineState {
  readonly kind: 'baseline';
  /** When the current window began. */
  start: number;
  /** Events of the current window. */
  current: number;
  /** Events of the windows before it, the newest last. */
  previous: number[];
  /** Whether the rate was reported as left, downwards or upwards, and has not come back. */
  dropped: boolean;
  risen: boolean;
  /** The last event seen. */
  last: Event;
}

const parts = binary.record<Omit<BaselineState, 'kind'>>({
  start: binary.integer,
  current: binary.integer,
  previous: binary.list(binary.integer),
  dropped: binary.boolean,
  risen: binary.boolean,
  last: binary.event,
});
const state: StateCodec<BaselineState> = {
  kind: 'baseline',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'baseline', ...parts.read(input) }),
};

interface BaselinePlan {
  readonly filter: EventFilter;
  readonly windowMs: number;
  readonly against: number;
  /** In %; null: not asked. */
  readonly dropBy: number | null;
  readonly riseBy: number | null;
  /** Whether the data of the last event are read when a drop is reported. */
  readonly keepsData: boolean;
}

export const baselinePattern = definePattern({
  kind: 'baseline',
  shape: Baseline,
  lane: 'arrival',
  states: [state],
  compile(body, tools) {
    const filter = eventFilter(body, tools);
    const { dropBy, riseBy } = sidesOf(body, tools);
    const plan = { filter, windowMs: msOf(body.window), against: body.against ?? 1, dropBy, riseBy };
    const keepsData = tools.readsMatched && dropBy !== null;
    return { pattern: patternOf({ ...plan, keepsData }), captures: [], eventInThen: true };
  },
});

function sidesOf(body: BaselineBody, tools: PatternTools) {
  const dropBy = percentOf(body.dropBy);
  const riseBy = percentOf(body.riseBy);
  if (!isAnyWritten(tools, 'dropBy', 'riseBy')) tools.error(tools.path, '"baseline" needs "dropBy" or "riseBy"');
  if (dropBy !== null && (dropBy <= 0 || dropBy > 100)) {
    tools.error([...tools.path, 'dropBy'], '"dropBy" must be above 0% and at most 100%');
  }
  if (riseBy !== null && riseBy <= 0) tools.error([...tools.path, 'riseBy'], '"riseBy" must be above 0%');
  return { dropBy, riseBy };
}

function percentOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text.slice(0, -1));
}

function patternOf(plan: BaselinePlan): Pattern<BaselineState> {
  const { filter, windowMs } = plan;
  const kept = (event: Event): Event => (plan.keepsData ? event.packed() : event.withoutData());
  return {
    state,
    interests: interestsOf([filter]),
    onEvent(before, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return before;
      const state = before === null ? null : endWindows(plan, before, event.time - 1, input);
      if (state === null) return startedAt(kept(event));
      if (event.time < state.start || (event.time === state.start && state.previous.length > 0)) {
        countBehind(state, event.time, windowMs);
        return state;
      }
      state.current++;
      if (event.time >= state.last.time) state.last = kept(event);
      if (!state.risen && hasRisen(plan, state)) {
        state.risen = true;
        input.match({ at: event.time, events: [event.messageId], captures: NO_CAPTURES, event });
      }
      return state;
    },
    onDeadline: (state, deadline, input) => endWindows(plan, state, deadline, input),
    deadlineOf: (state) => state.start + windowMs,
    words: {
      nothing: NOTHING_KEPT,
      progress: ({ current, previous }) =>
        `this window has ${many(current, 'event')}, the ones before had ${previous.join(', ') || 'none yet'}`,
      ...NO_DEADLINE_WORDS,
    },
  };
}

function startedAt(event: Event): BaselineState {
  const { time: start } = event;
  return { kind: 'baseline', start, current: 1, previous: [], dropped: false, risen: false, last: event };
}

/** Ends the windows that are over at `time`; null: there is nothing left to keep (L4). */
function endWindows(plan: BaselinePlan, state: BaselineState, time: number, input: PatternInput): BaselineState | null {
  while (state.start + plan.windowMs <= time) {
    const end = state.start + plan.windowMs;
    const dropped = hasDropped(plan, state);
    if (dropped && !state.dropped) reportDrop(state, end, input);
    state.dropped = dropped;
    state.risen = hasRisen(plan, state);
    state.previous = [...state.previous, state.current].slice(-plan.against);
    state.start = end;
    state.current = 0;
    if (state.previous.every((count) => count === 0)) return null;
  }
  return state;
}

function reportDrop({ last }: BaselineState, at: number, input: PatternInput): void {
  input.match({ at, events: [last.messageId], times: [last.time], captures: NO_CAPTURES, event: last });
}

/** L5: the window it belongs to may be forgotten already. */
function countBehind(state: BaselineState, time: number, windowMs: number): void {
  const place = state.previous.length - 1 - Math.floor((state.start - time) / windowMs);
  if (place >= 0) state.previous[place]!++;
}

function hasDropped({ dropBy, against }: BaselinePlan, { current, previous }: BaselineState): boolean {
  const total = totalOf(previous, against);
  return dropBy !== null && total > 0 && current * against * 100 <= total * (100 - dropBy);
}

function hasRisen({ riseBy, against }: BaselinePlan, { current, previous }: BaselineState): boolean {
  const total = totalOf(previous, against);
  return riseBy !== null && total > 0 && current * against * 100 >= total * (100 + riseBy);
}

/** Events of the whole baseline; 0: there is none yet. */
function totalOf(previous: readonly number[], against: number): number {
  return previous.length < against ? 0 : previous.reduce((sum, count) => sum + count, 0);
}
