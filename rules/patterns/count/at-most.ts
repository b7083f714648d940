// `count` with `atMost`: the number of such events in a sliding window, or of different values, falls to a bound.
//
// Invariants:
//   F1. It fires at the moment at which the number, which was above `atMost`, is so no more, since an event has left the
//       window: at that event's time + within, after the events stamped then, which count. Again after it was above.
//   F2. An entity is above only once more than `atMost` were in one window, so nothing fires for those who begin.
//   F3. The newest `atMost` + 1 entries are all that matters (with `distinct`: the newest of each value).
//   F4. An event later than a fall that was not reported yet reports it: in the event-time lane the timer has come first,
//       in the arrival lane the reading order says that nothing came in between.

import * as binary from '../../../schemas/binary.ts';
import type { Event } from '../../../schemas/event.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import { interestsOf, matchesFilter, NO_CAPTURES } from '../definition.ts';
import type { Pattern, PatternInput } from '../pattern.ts';
import { type DistinctEntry, distinctEntry, distinctValue, endAt } from './entries.ts';
import type { CountPlan } from './plan.ts';

/** `count` with `atMost`. */
export interface AtMostState {
  readonly kind: 'atMost';
  /** In order of time; `value` is that of `distinct`, '' without it. */
  entries: DistinctEntry[];
  /** The last event seen. */
  last: Event;
}

const parts = binary.record<Omit<AtMostState, 'kind'>>({ entries: binary.list(distinctEntry), last: binary.event });

export const atMostState: StateCodec<AtMostState> = {
  kind: 'atMost',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'atMost', ...parts.read(input) }),
};

/** `readsMatched`: the last event is read when the fall is reported. */
export function atMostPattern(plan: CountPlan, readsMatched: boolean): Pattern<AtMostState> {
  const { filter, distinct } = plan;
  const kept = (event: Event): Event => (readsMatched ? event.packed() : event.withoutData());
  return {
    state: atMostState,
    interests: interestsOf([filter]),
    onEvent(before, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return before;
      const value = distinct === null ? '' : distinctValue(distinct, event, input);
      if (value === null) return before;
      const state: AtMostState = before ?? { kind: 'atMost', entries: [], last: kept(event) };
      report(plan, state, event.time - 1, input);
      if (event.time >= state.last.time) state.last = kept(event);
      add(plan, state, { at: event.time, messageId: event.messageId, value });
      return state;
    },
    onDeadline(state, deadline, input) {
      report(plan, state, deadline, input);
      return state.entries.length === 0 ? null : state;
    },
    deadlineOf: (state) => fallAt(plan, state),
    words: {
      nothing: plan.nothing,
      progress({ entries }, _now, until) {
        const falls = until === '' ? 'it has to be above that first' : `falls to it at ${until} unless more come`;
        return `count is ${entries.length}, and fires when it falls to ${plan.bound}: ${falls}`;
      },
      deadline: () => 'an event has left the window',
    },
  };
}

/** When the number falls to the bound, should nothing come; Infinity: it is not above. */
function fallAt({ bound, withinMs }: CountPlan, { entries }: AtMostState): number {
  return entries.length > bound ? entries[0]!.at + withinMs : Infinity;
}

function report(plan: CountPlan, state: AtMostState, until: number, input: PatternInput): void {
  const at = fallAt(plan, state);
  if (at > until) return;
  state.entries = state.entries.slice(endAt(state.entries, at - plan.withinMs));
  const events = state.entries.map((one) => one.messageId);
  input.match({ at, events, times: state.entries.map((one) => one.at), captures: NO_CAPTURES, event: state.last });
}

function add(plan: CountPlan, state: AtMostState, entry: AtMostState['entries'][number]): void {
  let { entries } = state;
  // What has just left the window matters to a number that was above: the fall is still to come, after this event.
  if (entries.length <= plan.bound) entries = entries.slice(endAt(entries, entry.at - plan.withinMs));
  if (plan.distinct !== null) {
    const same = entries.find((one) => one.value === entry.value);
    if (same !== undefined && same.at > entry.at) return;
    entries = entries.filter((one) => one !== same);
  }
  const end = endAt(entries, entry.at);
  state.entries = [...entries.slice(0, end), entry, ...entries.slice(end)].slice(-(plan.bound + 1));
}
