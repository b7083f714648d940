// `inactive`: the entity has had no such event for that long.
//
// Invariants:
//   V1. The first event seen starts the silence, each later one starts it anew; it is reported once, at last + for.
//   V2. An event stamped with the deadline ends the silence in time.
//   V3. An event later than a deadline that was not reported yet reports it: in the event-time lane the timer has come
//       first, in the arrival lane the reading order says that nothing came in between.

import Type from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { StateCodec } from '../../schemas/section.ts';
import { By, duration, EventNames, fields, Where } from '../language/parts.ts';
import {
  definePattern,
  type EventFilter,
  eventFilter,
  interestsOf,
  isoOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  NOTHING_KEPT,
} from './definition.ts';
import type { Pattern, PatternInput } from './pattern.ts';

const Inactive = fields(
  {
    for: duration('Length of the silence.'),
    event: Type.Optional(EventNames),
    where: Type.Optional(Where),
    by: Type.Optional(By),
  },
  { description: 'Fires when the entity has had no such event for that long; once per silence.' },
);

export interface InactiveState {
  readonly kind: 'inactive';
  /** The last event seen. */
  last: Event;
  deadline: number;
  /** Whether this silence was reported. */
  fired: boolean;
}

const parts = binary.record<Omit<InactiveState, 'kind'>>({
  last: binary.event,
  deadline: binary.integer,
  fired: binary.boolean,
});
const state: StateCodec<InactiveState> = {
  kind: 'inactive',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'inactive', ...parts.read(input) }),
};

export const inactivePattern = definePattern({
  kind: 'inactive',
  shape: Inactive,
  lane: 'event-time',
  states: [state],
  compile(body, tools) {
    const filter = eventFilter(body, tools, '*');
    const silence = { ms: msOf(body.for), text: body.for ?? '' };
    return { pattern: patternOf(filter, silence, tools.readsMatched), captures: [], eventInThen: true };
  },
});

/** `keepsData`: the data of the last event are read when the silence is reported, and so are kept. */
function patternOf(
  filter: EventFilter,
  silence: { readonly ms: number; readonly text: string },
  keepsData: boolean,
): Pattern<InactiveState> {
  const { ms: silenceMs } = silence;
  const kept = (event: Event): Event => (keepsData ? event.packed() : event.withoutData());
  return {
    state,
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
    words: {
      nothing: NOTHING_KEPT,
      progress: ({ fired, last }, _now, until) =>
        fired
          ? `the silence since ${isoOf(last.time)} was reported; the next event begins anew`
          : `last event ${last.event} at ${isoOf(last.time)}: fires at ${until} unless another comes`,
      deadline: ({ last }) => `nothing came since ${isoOf(last.time)} (for ${silence.text})`,
    },
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
