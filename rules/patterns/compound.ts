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

import { Event } from '../../schemas/event.ts';
import type { CompoundState, InnerMatch, Match, Pattern, PatternInput, PatternState } from '../api.ts';
import type { WhenBody } from '../project/rule-schema.ts';
import { msOf, NO_CAPTURES, type PatternDefinition, type PatternPlan, type PatternTools } from './definition.ts';

type Kind = 'all' | 'any';

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

export const allPattern: PatternDefinition = { kind: 'all', lane: 'event-time', compile: compilerOf('all') };
export const anyPattern: PatternDefinition = { kind: 'any', lane: 'event-time', compile: compilerOf('any') };

function compilerOf(kind: Kind) {
  return (when: WhenBody, tools: PatternTools): PatternPlan => {
    const list: readonly (WhenBody | undefined)[] = when[kind] ?? [];
    const plans = list.map((inner, place) => tools.inner(inner, [...tools.path, place]));
    if (kind === 'all' && when.within === undefined) {
      tools.error(tools.path.slice(0, -1), '"all" needs "within"', 'beside it: { all: […], within: 1h }');
    }
    const known = plans.filter((plan) => plan !== null);
    const pattern = patternOf({
      kind,
      inner: known.map(({ pattern }) => ({ pattern, names: namesOf(pattern) })),
      withinMs: when.within === undefined ? 0 : msOf(when.within),
      readsMatched: tools.readsMatched,
    });
    const captures = kind === 'all' ? ownCaptures(known, tools) : sharedCaptures(known);
    return { pattern, captures, eventInThen: known.every((plan) => plan.eventInThen) };
  };
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
    return pattern?.kind === state.kind ? pattern.deadlineOf(state) : Infinity;
  };
  return {
    kind: 'compound',
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
  };
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
    // One of another kind was left by an earlier version of the rule.
    const own = state.inner.find((each) => each.place === place && each.state.kind === one.pattern.kind)?.state ?? null;
    const match = (found: Match): void => {
      if (plan.kind === 'all') takeForAll(plan, state, place, found, input);
      else takeForAny(plan, state, found, input);
    };
    const next = step.concerns(one, own) ? step.take(one, own, { ...input, match }) : own;
    if (next !== null) inner.push({ place, state: next });
  }
  state.inner = inner;
  return inner.length === 0 && state.matched.length === 0 && state.last < 0 ? null : state;
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
