// `all` and `any`: patterns of patterns.
//
// Owns: running the inner patterns, and what their matches come to. Does not own: their meaning.
//
// Invariants:
//   A1. `all` fires with the match that is the last one missing, when the last match of each inner pattern lies in
//       (t - within, t], t being the latest of them. The matches are then used up: each inner pattern must match anew.
//   A2. `any` fires with each match of an inner pattern; with `within`, matches in (t, t + within] after one that fired
//       at t belong to it and do not fire.
//   A3. Inner patterns see the events and deadlines that they would see alone, in the order of the list.
//   A4. What is kept is what the inner patterns keep, and the last match of each.

import Type from 'typebox';
import * as binary from '../../schemas/binary.ts';
import { Event } from '../../schemas/event.ts';
import { Section, type StateCodec } from '../../schemas/section.ts';
import {
  definePattern,
  many,
  msOf,
  NO_CAPTURES,
  NO_DEADLINE_WORDS,
  NOTHING_KEPT,
  type PatternPlan,
  type PatternTools,
} from './definition.ts';
import type { Match, Pattern, PatternInput, PatternState } from './pattern.ts';

type Kind = 'all' | 'any';

/** Where the schema of a pattern inside another one stands in the rule schema. */
export const INNER_REFERENCE = 'pattern';
/** More than a dozen patterns in one list are several rules. */
const INNER_MAX = 16;

const list = (description: string) =>
  Type.Array(Type.Unsafe<object>({ $ref: `#/definitions/${INNER_REFERENCE}` }), {
    minItems: 1,
    maxItems: INNER_MAX,
    description,
  });

export interface CompoundState {
  readonly kind: 'compound';
  /** States of the inner patterns that have one, by their place in the list. */
  inner: { place: number; state: Section }[];
  /** The last match of each inner pattern that waits for others, by its place. */
  matched: InnerMatch[];
  /** `any` with `within`: when it last fired; -1: never. */
  last: number;
}

interface InnerMatch {
  place: number;
  at: number;
  events: readonly { id: string; at: number }[];
  captures: readonly { name: string; event: Event }[];
}

const parts = binary.record<Omit<CompoundState, 'kind'>>({
  inner: binary.list(
    binary.record({
      place: binary.integer,
      state: { write: (state: Section, out) => state.encode(out), read: Section.decode },
    }),
  ),
  matched: binary.list(
    binary.record<InnerMatch>({
      place: binary.integer,
      at: binary.integer,
      events: binary.list(binary.record({ id: binary.text, at: binary.integer })),
      captures: binary.list(binary.record({ name: binary.text, event: binary.event })),
    }),
  ),
  last: binary.integer,
});

const compoundState: StateCodec<CompoundState> = {
  kind: 'compound',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'compound', ...parts.read(input) }),
};

interface CompoundPlan {
  readonly kind: Kind;
  readonly inner: readonly InnerPattern[];
  /** `any` without it: 0. */
  readonly withinMs: number;
  readonly readsMatched: boolean;
}

interface InnerPattern {
  readonly pattern: Pattern;
  /** Null: every name. */
  readonly names: ReadonlySet<string> | null;
}

export const allPattern = definePattern({
  kind: 'all',
  shape: list('Fires when all of these patterns have matched, the last matches lying within `within`.'),
  beside: ['within'],
  lane: 'event-time',
  states: [compoundState],
  compile: (inner, tools) => compile('all', inner, tools),
});

export const anyPattern = definePattern({
  kind: 'any',
  shape: list('Fires when one of these patterns matches.'),
  beside: ['within'],
  lane: 'event-time',
  states: [compoundState],
  compile: (inner, tools) => compile('any', inner, tools),
});

function compile(kind: Kind, list: readonly unknown[], tools: PatternTools): PatternPlan {
  const { within } = tools.beside;
  const plans = list.map((inner, place) => tools.inner(inner, [...tools.path, place]));
  if (kind === 'all' && within === undefined) {
    tools.error(tools.path.slice(0, -1), '"all" needs "within"', 'beside it: { all: […], within: 1h }');
  }
  const known = plans.filter((plan) => plan !== null);
  const pattern = patternOf({
    kind,
    inner: known.map(({ pattern }) => ({ pattern, names: namesOf(pattern) })),
    withinMs: within === undefined ? 0 : msOf(within),
    readsMatched: tools.readsMatched,
  });
  const captures = kind === 'all' ? ownCaptures(known, tools) : sharedCaptures(known);
  return { pattern, captures, eventInThen: known.every((plan) => plan.eventInThen) };
}

function namesOf({ interests }: Pattern): ReadonlySet<string> | null {
  return interests === '*' ? null : new Set(interests);
}

/** All of the patterns have matched, so every capture is there; none may stand for two events. */
function ownCaptures(plans: readonly PatternPlan[], tools: PatternTools): string[] {
  const captures = plans.flatMap(singleCaptures);
  const twice = captures.find((name, place) => captures.indexOf(name) < place);
  if (twice !== undefined)
    tools.error(tools.path, `two patterns of "all" name their event "${twice}"`, 'one name each');
  return [...new Set(captures)];
}

/** One of the patterns has matched, whichever: only what each of them captures is sure to be there. */
function sharedCaptures([first, ...others]: readonly PatternPlan[]): string[] {
  return first === undefined
    ? []
    : singleCaptures(first).filter((name) => others.every((plan) => singleCaptures(plan).includes(name)));
}

/** A step that repeats, in a sequence, captures a list; such names stay inside. */
function singleCaptures({ captures, lists = [] }: PatternPlan): string[] {
  return captures.filter((name) => !lists.includes(name));
}

function patternOf(plan: CompoundPlan): Pattern<CompoundState> {
  const interests = plan.inner.flatMap(({ pattern }) => (pattern.interests === '*' ? ['*'] : pattern.interests));
  const deadlineOf = ({ place, state }: CompoundState['inner'][number]): number => {
    const pattern = plan.inner[place]?.pattern;
    const own = pattern === undefined ? null : openedBy(pattern, state);
    return own === null ? Infinity : pattern!.deadlineOf(own);
  };
  return {
    state: compoundState,
    interests: interests.includes('*') ? '*' : [...new Set(interests)],
    onEvent(state, event, input) {
      return run(plan, state, input, {
        concerns: ({ names }) => names === null || names.has(event.event),
        take: ({ pattern }, inner, innerInput) => pattern.onEvent(inner, event, innerInput),
      });
    },
    onDeadline(state, deadline, input) {
      return run(plan, state, input, {
        concerns: ({ pattern }, inner) => inner !== null && pattern.deadlineOf(inner) <= deadline,
        take: ({ pattern }, inner, innerInput) => pattern.onDeadline(inner!, deadline, innerInput),
      });
    },
    deadlineOf: (state) => state.inner.reduce((earliest, one) => Math.min(earliest, deadlineOf(one)), Infinity),
    words: {
      nothing: NOTHING_KEPT,
      progress({ matched }, _now, until) {
        const end = until === '' ? '' : `; looks again at ${until}`;
        return `${matched.length} of ${many(plan.inner.length, 'pattern')} matched${end}`;
      },
      ...NO_DEADLINE_WORDS,
    },
  };
}

/** Null: it was left by another pattern in this place, of an earlier version of the rule. */
function openedBy({ state: codec }: Pattern, state: Section): PatternState | null {
  return codec === null ? null : (state.open(codec) ?? null);
}

/** What is shown to the inner patterns: an event or a deadline. */
interface Step {
  concerns(inner: InnerPattern, state: PatternState | null): boolean;
  take(inner: InnerPattern, state: PatternState | null, input: PatternInput): PatternState | null;
}

/** Lets each inner pattern take its step, and takes what they find. */
function run(plan: CompoundPlan, before: CompoundState | null, input: PatternInput, step: Step): CompoundState | null {
  const state: CompoundState = before ?? { kind: 'compound', inner: [], matched: [], last: -1 };
  const inner: CompoundState['inner'] = [];
  for (const [place, one] of plan.inner.entries()) {
    const before = state.inner.find((each) => each.place === place)?.state;
    const own = before === undefined ? null : openedBy(one.pattern, before);
    const match = (found: Match): void => {
      if (plan.kind === 'all') takeForAll(plan, state, place, found, input);
      else takeForAny(plan, state, found, input);
    };
    if (!step.concerns(one, own)) {
      if (own !== null) inner.push({ place, state: before! });
      continue;
    }
    const next = step.take(one, own, innerInput(input, match));
    const codec = one.pattern.state;
    if (next !== null && codec !== null) {
      inner.push({ place, state: before === undefined ? Section.of(codec, next) : before.with(codec, next) });
    }
  }
  state.inner = inner;
  return inner.length === 0 && state.matched.length === 0 && state.last < 0 ? null : state;
}

function innerInput(input: PatternInput, match: PatternInput['match']): PatternInput {
  return {
    scope: input.scope,
    profileBefore: () => input.profileBefore(),
    match,
    failed: input.failed,
    dropped: (what) => input.dropped(what),
  };
}

function takeForAny(plan: CompoundPlan, state: CompoundState, match: Match, input: PatternInput): void {
  if (plan.withinMs > 0) {
    if (state.last >= 0 && match.at > state.last && match.at <= state.last + plan.withinMs) return;
    state.last = Math.max(state.last, match.at);
  }
  input.match(match);
}

function takeForAll(plan: CompoundPlan, state: CompoundState, place: number, match: Match, input: PatternInput): void {
  const before = state.matched.find((one) => one.place === place);
  if (before !== undefined && before.at > match.at) return;
  const taken = [...state.matched.filter((one) => one.place !== place), keptMatch(plan, place, match)];
  const latest = Math.max(...taken.map((one) => one.at));
  state.matched = taken.filter((one) => one.at > latest - plan.withinMs);
  if (state.matched.length < plan.inner.length) return;
  input.match({ ...merged(state.matched), at: latest, event: match.event });
  state.matched = [];
}

/** The match without what nothing will read. */
function keptMatch({ readsMatched }: CompoundPlan, place: number, match: Match): InnerMatch {
  const kept = (event: Event): Event => (readsMatched ? event.packed() : event.withoutData());
  return {
    place,
    at: match.at,
    events: match.events.map((id, index) => ({ id, at: match.times?.[index] ?? match.at })),
    captures: Object.entries(match.captures).flatMap(([name, event]) =>
      event instanceof Event ? [{ name, event: kept(event) }] : [],
    ),
  };
}

/** The events of all matches, each once, in order of time; of equal times, in the order in which they were matched. */
function merged(matches: readonly InnerMatch[]): Omit<Match, 'at' | 'event'> {
  const times = new Map<string, number>();
  for (const { id, at } of matches.flatMap((one) => one.events)) if (!times.has(id)) times.set(id, at);
  const sorted = [...times].sort(([, a], [, b]) => a - b);
  const captures = matches.flatMap((one) => one.captures);
  return {
    events: sorted.map(([id]) => id),
    times: sorted.map(([, at]) => at),
    captures:
      captures.length === 0 ? NO_CAPTURES : Object.fromEntries(captures.map(({ name, event }) => [name, event])),
  };
}
