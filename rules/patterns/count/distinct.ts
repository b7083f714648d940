// `count` with `distinct` and `atLeast`: the number of different values in a sliding window reaches a bound.
//
// Invariants:
//   V1. The window of an event at t is (t - within, t]. It fires if just before the event fewer than `atLeast` different
//       values were in it, and `atLeast` are with it. An event without a value is not seen.
//   V2. The events of the match are the newest of each value.
//   V3. What is kept is bounded: of the entries older than the newest event less reorderMs, the newest of each value,
//       and of these the newest `atLeast`; of those within reorderMs at most REORDER_MAX, the oldest dropped and counted.
//   V4. An event further behind the newest than reorderMs completes nothing; where it would have, that is counted.

import * as binary from '../../../schemas/binary.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import { interestsOf, matchesFilter, NO_CAPTURES, NO_DEADLINE_WORDS } from '../definition.ts';
import type { Pattern, PatternInput } from '../pattern.ts';
import { type DistinctEntry, distinctEntry, distinctValue, endAt } from './entries.ts';
import type { CountPlan } from './plan.ts';

/** As in at-least.ts. */
const REORDER_MAX = 1_000;

/** `count` with `distinct`. */
export interface DistinctState {
  readonly kind: 'distinct';
  /** In order of time. */
  entries: DistinctEntry[];
}

const entries = binary.list(distinctEntry);

export const distinctState: StateCodec<DistinctState> = {
  kind: 'distinct',
  version: 1,
  write: (state, out) => entries.write(state.entries, out),
  read: (input) => ({ kind: 'distinct', entries: entries.read(input) }),
};

type Entry = DistinctState['entries'][number];

export function distinctPattern(plan: CountPlan): Pattern<DistinctState> {
  const { filter, distinct, bound, withinMs } = plan;
  return {
    state: distinctState,
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (distinct === null || !matchesFilter(filter, event, NO_CAPTURES, input)) return state;
      const value = distinctValue(distinct, event, input);
      if (value === null) return state;
      const entries = state?.entries ?? [];
      const isTooLate = event.time < (entries.at(-1)?.at ?? -Infinity) - plan.reorderMs;
      const end = endAt(entries, event.time);
      const before = newestOfEach(entries.slice(endAt(entries, event.time - withinMs), end));
      const entry = { at: event.time, messageId: event.messageId, value };
      entries.splice(end, 0, entry);
      const reachesBound = before.length === bound - 1 && before.every((one) => one.value !== value);
      if (reachesBound && isTooLate) input.dropped('late');
      else if (reachesBound) {
        const window = [...before, entry];
        const events = window.map((one) => one.messageId);
        input.match({ at: event.time, events, times: window.map((one) => one.at), captures: NO_CAPTURES, event });
      }
      forget(plan, entries, input);
      return state ?? { kind: 'distinct', entries };
    },
    onDeadline: (state) => state,
    deadlineOf: () => Infinity,
    words: {
      nothing: plan.nothing,
      progress({ entries }, now) {
        const values = entries.filter(({ at }) => at > now - withinMs && at <= now).map((entry) => entry.value);
        return `count is ${new Set(values).size} of ${bound} in ${plan.withinText}`;
      },
      ...NO_DEADLINE_WORDS,
    },
  };
}

/** The newest entry of each value, in order of time. */
function newestOfEach(entries: readonly Entry[]): Entry[] {
  const seen = new Set<string>();
  const newest: Entry[] = [];
  for (const entry of entries.toReversed()) {
    if (seen.has(entry.value)) continue;
    seen.add(entry.value);
    newest.push(entry);
  }
  return newest.reverse();
}

/** Drops what can matter no more (V3). */
function forget(plan: CountPlan, entries: Entry[], input: PatternInput): void {
  const settled = entries.at(-1)!.at - plan.reorderMs;
  const settledEnd = endAt(entries, settled);
  const expired = endAt(entries, settled - plan.withinMs);
  const wanted = newestOfEach(entries.slice(expired, settledEnd)).slice(-plan.bound);
  if (wanted.length < settledEnd) entries.splice(0, settledEnd, ...wanted);
  const excess = entries.length - plan.bound - REORDER_MAX;
  if (excess > 0) {
    entries.splice(0, excess);
    input.dropped('entries');
  }
}
