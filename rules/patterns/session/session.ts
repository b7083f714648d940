// `session`: what one visit adds up to. A session takes all of the entity's events.
//
// Owns: where sessions begin and end. Does not own: the figures (figures.ts).
//
// Invariants:
//   S1. An event at most `gap` after the newest one belongs to its session; one stamped newest + gap still does. The
//       session ends at newest + gap, after the events stamped then.
//   S2. `on: reached`: `when` is asked with each of its events, and fires once a session. `on: end`: it is asked at the
//       end.
//   S3. In the arrival lane an event behind the newest belongs to the session, unless it is more than `gap` before its
//       start: then it is passed over. One later than the end of a session that was not reported yet ends it first.

import Type from 'typebox';
import * as binary from '../../../schemas/binary.ts';
import type { Event } from '../../../schemas/event.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import type { SessionFigures } from '../../expressions/scope.ts';
import type { SessionCondition } from '../../expressions/session-measures.ts';
import { By, duration, expression, fields } from '../../language/parts.ts';
import { definePattern, isoOf, many, msOf, NO_CAPTURES } from '../definition.ts';
import type { Pattern, PatternInput } from '../pattern.ts';
import { addToFigures, figuresOf, type SessionState } from './figures.ts';

const Session = fields(
  {
    gap: duration('A session ends after this long without an event.'),
    when: expression('Over session.duration, .events, .count(name), .distinct(expression), .max(expression).'),
    on: Type.Optional(
      Type.Enum(['reached', 'end'], {
        description: 'reached (default): as soon as it is true, once a session; end: asked when the session ends.',
      }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires on what a session of the entity adds up to. A session takes all of its events.' },
);

const parts = binary.record<Omit<SessionState, 'kind'>>({
  start: binary.integer,
  newest: binary.integer,
  events: binary.integer,
  fired: binary.boolean,
  firstId: binary.text,
  last: binary.event,
  figures: binary.list(binary.record({ of: binary.text, value: binary.double })),
  distinct: binary.list(binary.record({ of: binary.text, values: binary.list(binary.text) })),
});
const state: StateCodec<SessionState> = {
  kind: 'session',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'session', ...parts.read(input) }),
};

interface SessionPlan {
  readonly gapMs: number;
  /** Null only where it had a mistake; the rule is then not run. */
  readonly asked: SessionCondition | null;
  readonly on: 'reached' | 'end';
  /** Whether the data of the last event are read at the end. */
  readonly keepsData: boolean;
}

export const sessionPattern = definePattern({
  kind: 'session',
  shape: Session,
  lane: 'event-time',
  states: [state],
  compile(body, tools) {
    const asked = tools.sessionCondition([...tools.path, 'when'], body.when);
    const on = body.on ?? 'reached';
    const keepsData = on === 'end' && (tools.readsMatched || /\bevent\b/.test(body.when ?? ''));
    const pattern = patternOf({ gapMs: msOf(body.gap), asked, on, keepsData });
    const session = asked === null ? {} : { session: asked.measures };
    return { pattern, captures: [], eventInThen: true, ...session };
  },
});

function patternOf(plan: SessionPlan): Pattern<SessionState> {
  const { gapMs, on } = plan;
  return {
    state,
    interests: '*',
    onEvent(before, event, input) {
      if (before !== null && event.time < before.start - gapMs) return before;
      const state = before === null ? null : endedAt(plan, before, event.time - 1, input);
      const next = state ?? startedAt(event);
      next.start = Math.min(next.start, event.time);
      next.events++;
      if (event.time >= next.newest) {
        next.newest = event.time;
        next.last = plan.keepsData ? event.packed() : event.withoutData();
      }
      if (plan.asked !== null) addToFigures(next, event, plan.asked.measures, input);
      if (on === 'reached' && !next.fired) ask(plan, next, event, event.time, input);
      return next;
    },
    onDeadline: (state, deadline, input) => endedAt(plan, state, deadline, input),
    deadlineOf: (state) => state.newest + gapMs,
    words: {
      nothing: 'no session is under way',
      progress({ events, start, fired }, _now, until) {
        const reported = fired ? ', which was reported' : '';
        const end = until === '' ? '' : `; it ends at ${until} if nothing comes`;
        return `a session of ${many(events, 'event')} since ${isoOf(start)}${reported}${end}`;
      },
      deadline: () => 'nothing more came: the session ended',
    },
  };
}

function startedAt(event: Event): SessionState {
  const { time, messageId } = event;
  return {
    kind: 'session',
    start: time,
    newest: time,
    events: 0,
    fired: false,
    firstId: messageId,
    last: event,
    figures: [],
    distinct: [],
  };
}

/** The session, if it has not ended by `time`. */
function endedAt(plan: SessionPlan, state: SessionState, time: number, input: PatternInput): SessionState | null {
  const end = state.newest + plan.gapMs;
  if (end > time) return state;
  if (plan.on === 'end') ask(plan, state, state.last, end, input);
  return null;
}

function ask(plan: SessionPlan, state: SessionState, event: Event, at: number, input: PatternInput): void {
  const session = figuresOf(state);
  if (plan.asked === null || !holds(plan.asked, session, event, at, input)) return;
  state.fired = true;
  const { firstId: first, start } = state;
  const isOne = first === event.messageId;
  const events = isOne ? [first] : [first, event.messageId];
  const times = isOne ? [start] : [start, event.time];
  input.match({ at, events, times, captures: NO_CAPTURES, event, session });
}

function holds(
  { condition }: SessionCondition,
  session: SessionFigures,
  event: Event,
  at: number,
  { scope, failed }: PatternInput,
): boolean {
  const before = scope.now;
  scope.event = event;
  scope.captures = NO_CAPTURES;
  scope.session = session;
  scope.now = at;
  try {
    return condition.holds(scope, failed);
  } finally {
    scope.session = null;
    scope.now = before;
  }
}
