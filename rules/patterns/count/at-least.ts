// `count` with `atLeast`: the number of such events in a sliding window reaches a bound.
//
// Invariants:
//   K1. The window of an event at t is (t - within, t]. It fires if fewer than `atLeast` were in it just before the
//       event, and `atLeast` are with it.
//   K2. What is kept is bounded: of the entries older than the newest event less reorderMs, only the newest `atLeast`,
//       since no event still expected has a window in which an older one would matter; of those within reorderMs at
//       most REORDER_MAX, the oldest dropped and counted.
//   K3. An event further behind the newest than reorderMs completes nothing, since what its window held may have been
//       dropped; where it would have, that is counted.
//
// In the arrival lane an event may come behind newer ones. It is judged by the window that ends with it, and counts in
// the windows of those that come later; `order: event-time` judges all of them in order.

import * as binary from '../../../schemas/binary.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import { interestsOf, matchesFilter, NO_CAPTURES, NO_DEADLINE_WORDS } from '../definition.ts';
import type { Pattern, PatternInput } from '../pattern.ts';
import { endAt } from './entries.ts';
import type { CountPlan } from './plan.ts';

/** Beyond the bound itself, an entity with this many events within the few seconds of reordering is a machine. */
const REORDER_MAX = 1_000;

export interface CountState {
  readonly kind: 'count';
  /** In order of time. */
  entries: { at: number; messageId: string }[];
}

const entries = binary.list(
  binary.record<CountState['entries'][number]>({ at: binary.integer, messageId: binary.text }),
);

export const countState: StateCodec<CountState> = {
  kind: 'count',
  version: 1,
  write: (state, out) => entries.write(state.entries, out),
  read: (input) => ({ kind: 'count', entries: entries.read(input) }),
};

type Entry = CountState['entries'][number];

export function atLeastPattern(plan: CountPlan): Pattern<CountState> {
  const { filter, bound: atLeast, withinMs } = plan;
  return {
    state: countState,
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (!matchesFilter(filter, event, NO_CAPTURES, input)) return state;
      const entries = state?.entries ?? [];
      const end = endAt(entries, event.time);
      const from = endAt(entries, event.time - withinMs);
      const entry = { at: event.time, messageId: event.messageId };
      const isTooLate = event.time < (entries.at(-1)?.at ?? -Infinity) - plan.reorderMs;
      entries.splice(end, 0, entry);
      const reachesBound = end - from === atLeast - 1;
      if (reachesBound && isTooLate) input.dropped('late');
      else if (reachesBound) {
        const window = entries.slice(from, end + 1);
        const events = window.map((one) => one.messageId);
        input.match({ at: event.time, events, times: window.map((one) => one.at), captures: NO_CAPTURES, event });
      }
      forget(plan, entries, input);
      return state ?? { kind: 'count', entries };
    },
    onDeadline: (state) => state,
    deadlineOf: () => Infinity,
    words: {
      nothing: plan.nothing,
      progress({ entries }, now) {
        const inWindow = entries.filter(({ at }) => at > now - withinMs && at <= now);
        return `count is ${inWindow.length} of ${atLeast} in ${plan.withinText}`;
      },
      ...NO_DEADLINE_WORDS,
    },
  };
}

/** Drops what can matter no more (K2). */
function forget(plan: CountPlan, entries: Entry[], input: PatternInput): void {
  const settled = entries.at(-1)!.at - plan.reorderMs;
  const settledEnd = endAt(entries, settled);
  const expired = endAt(entries, settled - plan.withinMs);
  const needless = Math.max(expired, settledEnd - plan.bound);
  if (needless > 0) entries.splice(0, needless);
  const excess = entries.length - plan.bound - REORDER_MAX;
  if (excess > 0) {
    entries.splice(0, excess);
    input.dropped('entries');
  }
}
