// `sequence` by its definition: every way of dealing the events to the steps is written down, those that break a rule are
// struck out, and what is left fires in order. No states, no transitions.
//
// The sentences of rules.md ("Sequences") that this file is:
//   Q1. "the step's own `next` rules entry into the step; `next` inside `times` rules between its repetitions": strict,
//       nothing lies between; relaxed, nothing that fits lies between; any, whatever lies between.
//   Q2. "`within` counts from the first matched event", (t, t + D]: a match sees only events up to then.
//   Q3. A `not` forbids its events from the first event of the last step taken before it up to the next one taken, or to
//       the deadline; with `next: strict`, only right after each event of that step.
//   Q4. "`until`: no unbounded loop takes that event or any after it; … a loop not yet begun behind `any` may begin
//       later".
//   Q5. `greedy`: the sequence does not go on, over or with an event that the greedy step could take.
//   Q6. "A match is its list of events, however dealt to steps"; it fires when complete; "of matches completed by one
//       event, the earliest-begun first, then the one with earlier events", and the longer of two of which one begins
//       the other.
//   Q7. "`past-last`, partial matches begun up to its last event; `to-next`, those begun by its first".

import { holds, type Names } from './expression.ts';
import type { OracleMatch, Placed } from './match.ts';
import { durationMs, type EventPattern, named, type OracleEvent } from './rule.ts';
import { endsWithNot, type Next, type SequenceBody } from './sequence-body.ts';

interface Step {
  readonly filter: EventPattern;
  readonly isList: boolean;
  readonly min: number;
  readonly max: number;
  readonly optional: boolean;
  readonly entry: Next;
  readonly inner: Next;
  readonly greedy: boolean;
  /** Written right behind it. */
  readonly nots: readonly { readonly filter: EventPattern; readonly strict: boolean }[];
}

/** An event, by its place, and the step it was dealt to. */
interface Dealt {
  readonly place: number;
  readonly step: number;
}

/** All matches in the order in which they fire. */
export function sequences(body: SequenceBody, group: readonly Placed[]): OracleMatch[] {
  const steps = stepsOf(body);
  const within = body.within === undefined ? Infinity : durationMs(body.within);
  const trailing = endsWithNot(body);
  const found: { readonly dealt: readonly Dealt[]; readonly end: number }[] = [];
  for (const [first, { event }] of group.entries()) {
    const deadline = event.time + within;
    // Q2
    const sees = group.map((one, place) => place >= first && one.event.time <= deadline);
    const trial = new Trial(steps, body.until, group, sees);
    for (const dealt of trial.dealings(first)) {
      if (trial.isMatch(dealt)) found.push({ dealt, end: trailing ? deadline : dealt.at(-1)!.place });
    }
  }
  found.sort((a, b) => a.end - b.end || comparePlaces(a.dealt, b.dealt) || compareSteps(a.dealt, b.dealt));
  const fired: (readonly Dealt[])[] = [];
  for (const { dealt } of found) {
    const isSame = fired.some((other) => comparePlaces(other, dealt) === 0);
    if (!isSame && !fired.some((other) => drops(body.skip ?? 'past-last', other, dealt))) fired.push(dealt);
  }
  return fired.map((dealt) => matchOf(steps, dealt, group, trailing ? within : null));
}

function stepsOf(body: SequenceBody): Step[] {
  const steps: Step[] = [];
  for (const step of body.steps) {
    if (step.not !== undefined) {
      (steps.at(-1)!.nots as { filter: EventPattern; strict: boolean }[]).push({
        filter: step.not,
        strict: step.next === 'strict',
      });
      continue;
    }
    const { times } = step;
    steps.push({
      filter: step as EventPattern,
      isList: times !== undefined,
      min: Math.max(1, times?.min ?? 1),
      max: times === undefined ? 1 : (times.max ?? Infinity),
      optional: step.optional === true || times?.min === 0,
      entry: step.next ?? 'relaxed',
      inner: times?.next ?? 'relaxed',
      greedy: step.greedy === true,
      nots: [],
    });
  }
  return steps;
}

/** The dealings that begin with one event, and what is said against each. */
class Trial {
  readonly #steps: readonly Step[];
  readonly #until: EventPattern | undefined;
  readonly #group: readonly Placed[];
  readonly #sees: readonly boolean[];

  constructor(
    steps: readonly Step[],
    until: EventPattern | undefined,
    group: readonly Placed[],
    sees: readonly boolean[],
  ) {
    this.#steps = steps;
    this.#until = until;
    this.#group = group;
    this.#sees = sees;
  }

  /** Every dealing of fitting events to steps in their order and number that begins with the event at `first`. */
  dealings(first: number): Dealt[][] {
    const complete: Dealt[][] = [];
    const extend = (dealt: readonly Dealt[], from: number): void => {
      if (dealt.length > 0 && this.#isComplete(dealt)) complete.push([...dealt]);
      const to = dealt.length === 0 ? from : this.#group.length - 1;
      for (let place = from; place <= to; place++) {
        if (!this.#sees[place]) continue;
        for (const [step, { filter }] of this.#steps.entries()) {
          if (!this.#mayFollow(dealt, step)) continue;
          if (this.#fits(filter, place, dealt)) extend([...dealt, { place, step }], place + 1);
        }
      }
    };
    extend([], first);
    return complete;
  }

  isMatch(dealt: readonly Dealt[]): boolean {
    const pairs = dealt.map((one, at) => [dealt[at - 1] ?? null, one] as const);
    return (
      pairs.every(([before, after]) => this.#followsAsSaid(dealt, before, after)) &&
      pairs.every(([before, after]) => this.#leavesNothingToGreed(dealt, before, after)) &&
      this.#steps.every((step, at) => step.nots.every((not) => this.#keepsNot(dealt, at, not.filter, not.strict)))
    );
  }

  #isComplete(dealt: readonly Dealt[]): boolean {
    const { step } = dealt.at(-1)!;
    const isFull = countOf(dealt, step) >= this.#steps[step]!.min;
    return isFull && this.#steps.slice(step + 1).every((one) => one.optional);
  }

  #mayFollow(dealt: readonly Dealt[], step: number): boolean {
    const last = dealt.at(-1)?.step ?? -1;
    if (step < last) return false;
    if (step === last) return countOf(dealt, step) < this.#steps[step]!.max;
    const isFull = last < 0 || countOf(dealt, last) >= this.#steps[last]!.min;
    return isFull && this.#steps.slice(last + 1, step).every((one) => one.optional);
  }

  /** Q1 and Q4. */
  #followsAsSaid(dealt: readonly Dealt[], before: Dealt | null, after: Dealt): boolean {
    const step = this.#steps[after.step]!;
    if (this.#isUntil(after.step, after.place, dealt)) return false;
    if (before === null) return true;
    const repeats = before.step === after.step;
    const next = repeats ? step.inner : step.entry;
    const between = this.#between(before.place, after.place);
    if (next === 'strict') return between.length === 0;
    if (next === 'relaxed' && between.some((place) => this.#fits(step.filter, place, dealt))) return false;
    const ends = repeats || next === 'relaxed';
    return !ends || !between.some((place) => this.#isUntil(after.step, place, dealt));
  }

  /** Q5: of the events from one dealt to the next, that one included. */
  #leavesNothingToGreed(dealt: readonly Dealt[], before: Dealt | null, after: Dealt): boolean {
    const greedy = after.step - 1;
    if (greedy < 0 || !this.#steps[greedy]!.greedy || before?.step === after.step) return true;
    const { filter, inner, entry, max } = this.#steps[greedy]!;
    if (before !== null && before.step === greedy && countOf(dealt, greedy) === max) return true;
    const next = before !== null && before.step === greedy ? inner : entry;
    const places = before === null ? [after.place] : [...this.#between(before.place, after.place), after.place];
    for (const [index, place] of places.entries()) {
      const earlier = places.slice(0, index);
      const isUntil = (one: number): boolean => this.#isUntil(greedy, one, dealt);
      const isShut =
        (before !== null && next === 'strict' && index > 0) ||
        (next === 'relaxed' && earlier.some((one) => this.#fits(filter, one, dealt))) ||
        ((next === 'relaxed' || before?.step === greedy) && earlier.some(isUntil));
      if (!isShut && this.#fits(filter, place, dealt) && !isUntil(place)) return false;
    }
    return true;
  }

  /** Q3. */
  #keepsNot(dealt: readonly Dealt[], behind: number, filter: EventPattern, strict: boolean): boolean {
    const last = dealt.findLast((one) => one.step <= behind);
    if (last === undefined) return true;
    const own = dealt.filter((one) => one.step === last.step).map((one) => one.place);
    const end = dealt.find((one) => one.step > behind)?.place ?? this.#group.length;
    const after = this.#between(own[0]!, end);
    if (!strict) {
      const taken = new Set(dealt.map((one) => one.place));
      return !after.some((place) => !taken.has(place) && this.#fits(filter, place, dealt));
    }
    return own.every((place) => {
      const [next] = this.#between(place, this.#group.length);
      return next === undefined || !this.#fits(filter, next, dealt);
    });
  }

  /** Places of the events that the match sees after `from` and before `to`. */
  #between(from: number, to: number): number[] {
    const places = this.#group.map((_, place) => place);
    return places.filter((place) => place > from && place < to && this.#sees[place]);
  }

  #isUntil(step: number, place: number, dealt: readonly Dealt[]): boolean {
    return this.#until !== undefined && this.#steps[step]!.max === Infinity && this.#fits(this.#until, place, dealt);
  }

  /** Conditions know what was dealt before their event. */
  #fits(filter: EventPattern, place: number, dealt: readonly Dealt[]): boolean {
    const { event } = this.#group[place]!;
    if (!named(filter.event, event)) return false;
    if (filter.where === undefined) return true;
    const known = dealt.filter((one) => one.place < place);
    return holds(filter.where, { ...namesOf(this.#steps, known, this.#group), event });
  }
}

function countOf(dealt: readonly Dealt[], step: number): number {
  return dealt.filter((one) => one.step === step).length;
}

function namesOf(steps: readonly Step[], dealt: readonly Dealt[], group: readonly Placed[]): Names {
  const names: Record<string, OracleEvent | OracleEvent[]> = {};
  for (const [at, { filter, isList }] of steps.entries()) {
    if (filter.as === undefined) continue;
    const events = dealt.filter((one) => one.step === at).map((one) => group[one.place]!.event);
    if (isList) names[filter.as] = events;
    else if (events[0] !== undefined) names[filter.as] = events[0];
  }
  return names;
}

function comparePlaces(a: readonly Dealt[], b: readonly Dealt[]): number {
  const differing = a.findIndex((one, at) => one.place !== b[at]?.place);
  if (differing < 0) return b.length - a.length;
  return differing >= b.length ? -1 : a[differing]!.place - b[differing]!.place;
}

function compareSteps(a: readonly Dealt[], b: readonly Dealt[]): number {
  return a.map((one, at) => one.step - b[at]!.step).find((order) => order !== 0) ?? 0;
}

/** Q7. */
function drops(skip: 'past-last' | 'none' | 'to-next', fired: readonly Dealt[], other: readonly Dealt[]): boolean {
  const begun = other[0]!.place;
  if (skip === 'past-last') return begun <= fired.at(-1)!.place;
  return skip === 'to-next' && begun === fired[0]!.place;
}

/** `within`: of a match that comes at its deadline; null: it comes with its last event. */
function matchOf(
  steps: readonly Step[],
  dealt: readonly Dealt[],
  group: readonly Placed[],
  within: number | null,
): OracleMatch {
  const events = dealt.map((one) => group[one.place]!.event);
  const last = group[dealt.at(-1)!.place]!;
  const inTime = [...events].sort((a, b) => a.time - b.time);
  return {
    at: within === null ? last.event.time : events[0]!.time + within,
    events: inTime.map((event) => event.messageId),
    names: { ...namesOf(steps, dealt, group), event: last.event },
    place: within === null ? last.place : group[dealt[0]!.place]!.place,
    due: within !== null,
  };
}
