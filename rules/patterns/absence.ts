// `absence`: something that should have followed did not.
//
// Owns: the clocks. Does not own: when a deadline has passed (the runtime's stream time), `by` (the evaluator keeps one
// state for each value).
//
// Invariants:
//   A1. A clock started at t fires at t + within, unless an `of` came in (t, t + within]: an `of` stamped with the
//       deadline wins, one stamped with the start does not count.
//   A2. A clock whose deadline has passed in event time is not touched by later events: it waits for onDeadline. So
//       events may come before the timer that is due ahead of them.
//   A3. With `first`, an `after` starts a clock only if it comes, in order of time and input, after what ended the last
//       one: the event that stopped it starts none, and an `after` at the deadline comes before the firing.
//   A4. At most CLOCKS_MAX clocks a state, the oldest dropped and counted.
//
// An event that is both `after` and `of` is taken as `of` first: it answers what was waiting, then starts anew (with
// `first`, only if it answered nothing). It never stops the clock that it starts (A1).

import Type, { type Static } from 'typebox';
import { type AvroReader, readList, writeList } from '../../schemas/avro-bytes.ts';
import { Event } from '../../schemas/event.ts';
import type { StateCodec } from '../../schemas/section.ts';
import { By, duration, eventPattern, fields, type Loose, OneOrMoreEvents } from '../language/parts.ts';
import {
  definePattern,
  type EventFilter,
  filterOf,
  interestsOf,
  isoOf,
  matchesFilter,
  msOf,
  NO_CAPTURES,
  namesInWords,
  type PatternTools,
} from './definition.ts';
import type { Pattern, PatternInput } from './pattern.ts';

/** An entity that starts more clocks than this within one `within` is a machine; its document must stay small. */
const CLOCKS_MAX = 256;

const Absence = fields(
  {
    after: eventPattern('The event that starts the clock: { event, where, as }.'),
    of: OneOrMoreEvents,
    within: duration('Fires this long after `after`, unless `of` came in (after, after + within].'),
    restart: Type.Optional(
      Type.Enum(['latest', 'each', 'first'], {
        description:
          'latest (default): a new `after` restarts the clock; each: every `after` has its own; first: a running clock is left alone.',
      }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires when something that should have followed did not.' },
);

type AbsenceBody = Loose<Static<typeof Absence>>;
type Restart = NonNullable<AbsenceBody['restart']>;

export interface AbsenceState {
  readonly kind: 'absence';
  /** In order of deadline, equal ones in order of start. */
  clocks: { start: Event; deadline: number }[];
}

/** By hand, since these are the commonest states by far. */
const state: StateCodec<AbsenceState> = {
  kind: 'absence',
  version: 1,
  write({ clocks }, out) {
    writeList(out, clocks, ({ start, deadline }) => {
      start.encode(out);
      out.long(deadline);
    });
  },
  read: (input) => ({ kind: 'absence', clocks: readList(input, readClock) }),
};

function readClock(input: AvroReader): Clock {
  const start = Event.decode(input);
  return { start, deadline: input.long() };
}
interface AbsencePlan {
  readonly after: EventFilter;
  readonly of: readonly EventFilter[];
  readonly capture: string | null;
  readonly withinMs: number;
  readonly restart: Restart;
  /** Whether the data of the `after` events are read again, and so are kept. */
  readonly keepsData: boolean;
  readonly ofInWords: string;
  readonly afterInWords: string;
}

export const absencePattern = definePattern({
  kind: 'absence',
  shape: Absence,
  lane: 'event-time',
  states: [state],
  compile(body, tools) {
    const afterPath = [...tools.path, 'after'];
    const capture = tools.capture([...afterPath, 'as'], body.after?.as);
    const captures = capture === null ? [] : [capture];
    const after = filterOf(body.after?.event, tools.condition([...afterPath, 'where'], body.after?.where, []));
    const of = ofFilters(body, captures, tools);
    const { restart = 'latest' } = body;
    const keepsData = capture !== null || tools.readsMatched;
    const words = { ofInWords: namesInWords(body.of), afterInWords: namesInWords(body.after) };
    const pattern = patternOf({ after, of, capture, withinMs: msOf(body.within), restart, keepsData, ...words });
    return { pattern, captures, eventInThen: false };
  },
});

function ofFilters(body: AbsenceBody, captures: readonly string[], tools: PatternTools): EventFilter[] {
  const path = [...tools.path, 'of'];
  const list = Array.isArray(body.of) ? body.of : [body.of];
  return list.map((of, index) => {
    if (of === undefined || typeof of === 'string') return filterOf(of, null);
    const wherePath = Array.isArray(body.of) ? [...path, index, 'where'] : [...path, 'where'];
    return filterOf(of.event, tools.condition(wherePath, of.where, captures));
  });
}

function patternOf(plan: AbsencePlan): Pattern<AbsenceState> {
  return {
    state,
    interests: interestsOf([plan.after, ...plan.of]),
    onEvent(state, event, input) {
      const before = state?.clocks ?? [];
      const clocks = stopClocks(plan, before, event, input);
      const mayStart = plan.restart !== 'first' || clocks === before;
      if (mayStart && matchesFilter(plan.after, event, NO_CAPTURES, input)) startClock(plan, clocks, event, input);
      return keep(state, clocks);
    },
    onDeadline(state, deadline, input) {
      for (const clock of state.clocks) {
        if (clock.deadline > deadline) continue;
        const { start } = clock;
        const captures = capturesOf(plan, start);
        input.match({ at: clock.deadline, events: [start.messageId], times: [start.time], captures, event: start });
      }
      return keep(
        state,
        state.clocks.filter((clock) => clock.deadline > deadline),
      );
    },
    deadlineOf: (state) => state.clocks[0]?.deadline ?? Infinity,
    words: {
      nothing: `nothing waits: ${plan.afterInWords} starts the clock`,
      progress({ clocks }) {
        const waits = clocks.map(({ start, deadline }) => `${start.event} ${start.messageId} until ${isoOf(deadline)}`);
        return `waits since ${waits.join(', and since ')}: fires then unless ${plan.ofInWords} comes`;
      },
      deadline: (_state, at) => `no ${plan.ofInWords} came until ${at}`,
    },
  };
}

type Clock = AbsenceState['clocks'][number];

/** The clocks that still run after `event` was taken as `of`; the same list when it stops none. */
function stopClocks(plan: AbsencePlan, clocks: Clock[], event: Event, input: PatternInput): Clock[] {
  let kept: Clock[] | null = null;
  for (const [index, clock] of clocks.entries()) {
    const stops = clock.start.time < event.time && event.time <= clock.deadline && isAnswer(plan, clock, event, input);
    if (stops) kept ??= clocks.slice(0, index);
    else kept?.push(clock);
  }
  return kept ?? clocks;
}

function isAnswer(plan: AbsencePlan, clock: Clock, event: Event, input: PatternInput): boolean {
  const captures = capturesOf(plan, clock.start);
  return plan.of.some((filter) => matchesFilter(filter, event, captures, input));
}

function startClock(plan: AbsencePlan, clocks: Clock[], event: Event, input: PatternInput): void {
  const running = plan.restart === 'each' ? -1 : clocks.findIndex((other) => event.time <= other.deadline);
  if (running >= 0) {
    // An event that arrives behind the start of the clock does not take its place.
    if (plan.restart === 'first' || clocks[running]!.start.time > event.time) return;
    clocks.splice(running, 1);
  }
  insert(clocks, {
    start: plan.keepsData ? event.packed() : event.withoutData(),
    deadline: event.time + plan.withinMs,
  });
  if (clocks.length > CLOCKS_MAX) {
    clocks.shift();
    input.dropped('clocks');
  }
}

function insert(clocks: Clock[], clock: Clock): void {
  let index = clocks.length;
  while (index > 0 && clocks[index - 1]!.deadline > clock.deadline) index--;
  clocks.splice(index, 0, clock);
}

function capturesOf(plan: AbsencePlan, start: Event): Readonly<Record<string, Event>> {
  return plan.capture === null ? NO_CAPTURES : { [plan.capture]: start };
}

function keep(state: AbsenceState | null, clocks: Clock[]): AbsenceState | null {
  if (clocks.length === 0) return null;
  if (state === null) return { kind: 'absence', clocks };
  state.clocks = clocks;
  return state;
}
