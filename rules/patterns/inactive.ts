// `inactive`: the entity has had no such event for that long.
//
// Invariants:
//   V1. The first event seen starts the silence, each later one starts it anew; it is reported once, at last + for.
//   V2. An event stamped with the deadline ends the silence in time.
//   V3. An event later than a deadline that was not reported yet reports it: in the event-time lane the timer has come
//       first, in the arrival lane the reading order says that nothing came in between.

import type { Event } from '../../schemas/event.ts';
import type { InactiveState, Pattern, PatternInput } from '../api.ts';
import {
  type EventFilter,
  eventFilter,
  interestsOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  type PatternDefinition,
} from './definition.ts';

export const inactivePattern: PatternDefinition = {
  kind: 'inactive',
  lane: 'event-time',
  compile(when, tools) {
    const body = when.inactive ?? {};
    const filter = eventFilter(body, tools, '*');
    const pattern = patternOf(filter, msOf(body.for), tools.readsMatched);
    return { pattern, captures: [], eventInThen: true };
  },
};

/** `keepsData`: the data of the last event are read when the silence is reported, and so are kept. */
function patternOf(filter: EventFilter, silenceMs: number, keepsData: boolean): Pattern<InactiveState> {
  const kept = (event: Event): Event => (keepsData ? event.packed() : event.withoutData());
  return {
    kind: 'inactive',
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return state;
      if (state === null) return startedAt(kept(event), silenceMs);
      if (event.time < state.last.time) return state;
      if (!state.fired && event.time > state.deadline) report(state, input);
      state.last = kept(event);
      state.deadline = event.time + silenceMs;
      state.fired = false;
      return state;
    },
    onDeadline(state, deadline, input) {
      if (!state.fired && state.deadline <= deadline) report(state, input);
      return state;
    },
    deadlineOf: (state) => (state.fired ? Infinity : state.deadline),
  };
}

function startedAt(event: Event, silenceMs: number): InactiveState {
  return { kind: 'inactive', last: event, deadline: event.time + silenceMs, fired: false };
}

function report(state: InactiveState, input: PatternInput): void {
  state.fired = true;
  const { last } = state;
  const times = [last.time];
  input.match({ at: state.deadline, events: [last.messageId], times, captures: NO_CAPTURES, event: last });
}
