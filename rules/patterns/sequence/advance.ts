// One event through all partial matches: which of them take it, which ways it closes, what it completes.
//
// Owns: the meaning of steps (Flink CEP's). Does not own: what happens to complete matches (matches.ts), bounds
// (partials.ts).
//
// Each partial match sees the event twice: for each open way on that the event fits, a new partial match that took it;
// and itself, for which the event now lies between. The second closes ways:
//   S1. A strict way is closed by any event, a relaxed one by an event that fits, `any` by none.
//   S2. A way past a greedy step is closed by an event which that step could take, and does not take it either.
//   S3. `until` closes repeating, and relaxed entering, of every step without `max`; such a step never takes that event.
//   S4. A `not` closes all ways past it, also for the repetitions to come of the step it stands behind. It does not see
//       events that the partial match takes; a strict one sees only the event right after, taken or not.

import type { Event } from '../../../schemas/event.ts';
import { matchesFilter } from '../definition.ts';
import type { PatternInput } from '../pattern.ts';
import type { SequenceState } from './partials.ts';
import { capturesOf, deadlineOf, kept, type Node, pathOf } from './partials.ts';
import { type Captures, entryBit, FRESH, REPEAT, type SequencePlan, type Step, type Test } from './plan.ts';

/** Grows `state` by the event; gives the nodes that end a complete match, of which some may go on as well. */
export function advance(plan: SequencePlan, state: SequenceState, event: Event, input: PatternInput): Node[] {
  return new Advance(plan, state, event, input).run();
}

class Advance {
  readonly #plan: SequencePlan;
  readonly #state: SequenceState;
  readonly #event: Event;
  readonly #input: PatternInput;
  readonly #completed: Node[] = [];
  /** Answers that hold for every partial match. */
  readonly #answers = new Map<Test, boolean>();
  /** The partial match that the event is passing, and what its names stand for. */
  #node: Node | undefined;
  #captures: Captures | null = null;
  /** Place of the event among those kept; -1: nothing took it yet. */
  #place = -1;

  constructor(plan: SequencePlan, state: SequenceState, event: Event, input: PatternInput) {
    this.#plan = plan;
    this.#state = state;
    this.#event = event;
    this.#input = input;
  }

  run(): Node[] {
    const { nodes } = this.#state;
    const before = nodes.length;
    for (let at = 0; at < before; at++) {
      const node = nodes[at]!;
      if (node.open !== 0 && this.#event.time <= deadlineOf(this.#plan, this.#state, node)) this.#pass(node, at);
    }
    this.#turnTo(undefined);
    for (const step of this.#plan.firstSteps) {
      if (this.#isHeldBack(step, -1, ~0)) continue;
      if (this.#fitsStep(step) && !this.#isEnded(step)) this.#take(step, null, -1);
    }
    return this.#completed;
  }

  #pass(node: Node, at: number): void {
    const step = this.#plan.steps[node.step]!;
    this.#turnTo(node);
    if ((node.open & FRESH) !== 0) {
      node.open &= ~FRESH;
      this.#bar(node, step, true);
    }
    const { open } = node;
    if ((open & REPEAT) !== 0) this.#repeat(node, at);
    for (const next of step.nextSteps) {
      if ((open & entryBit(node.step, next)) !== 0) this.#enter(next, node, at, open);
    }
    this.#bar(node, step, false);
  }

  /** Lets the step's `not`s close ways (S4), and the partial match end when no way is left. */
  #bar(node: Node, step: Step, strict: boolean): void {
    for (const not of step.nots) {
      const matters = not.strict === strict && (not.closes & ~node.barred) !== 0 && node.open !== 0;
      if (matters && this.#fits(not.test)) node.barred |= not.closes;
    }
    node.open &= ~node.barred;
    if (!this.#isHopeful(node, step)) node.open = 0;
  }

  #repeat(node: Node, at: number): void {
    const { inner } = this.#plan.steps[node.step]!;
    const fits = this.#fitsStep(node.step);
    const ended = this.#isEnded(node.step);
    if (fits && !ended) this.#take(node.step, node, at);
    if (inner === 'strict' || (inner === 'relaxed' && fits) || ended) node.open &= ~REPEAT;
  }

  /** `open`: the ways before the event closed any. */
  #enter(next: number, node: Node, at: number, open: number): void {
    const bit = entryBit(node.step, next);
    if (this.#isHeldBack(next, node.step, open)) {
      node.open &= ~bit;
      return;
    }
    const { entry } = this.#plan.steps[next]!;
    const fits = this.#fitsStep(next);
    const ended = this.#isEnded(next);
    if (fits && !ended) this.#take(next, node, at);
    if (entry === 'strict' || (entry === 'relaxed' && (fits || ended))) node.open &= ~bit;
  }

  /** Whether a greedy step before `next` could take the event (S2). `from` is the step that took the last one, or -1. */
  #isHeldBack(next: number, from: number, open: number): boolean {
    const before = next - 1;
    if (before < 0 || !this.#plan.steps[before]!.greedy) return false;
    const way = before === from ? REPEAT : entryBit(from, before);
    return (open & way) !== 0 && this.#fitsStep(before) && !this.#isEnded(before);
  }

  /** A partial match that is `parent` and the event, taken by `at`. */
  #take(at: number, parent: Node | null, parentPlace: number): void {
    const step = this.#plan.steps[at]!;
    const repeats = parent !== null && parent.step === at;
    const count = repeats ? parent.count + 1 : 1;
    const barred = repeats ? parent.barred : 0;
    const event = this.#keep(step.keepsData);
    const first = parent === null ? event : parent.first;
    let open = step.fresh;
    if (count < step.max) open |= REPEAT;
    if (count >= step.min) open |= step.exits & ~barred;
    const node = { event, parent: parentPlace, first, step: at, count, open, barred };
    if (!this.#isHopeful(node, step)) node.open = 0;
    this.#state.nodes.push(node);
    if (count >= step.min && step.canEnd && !this.#plan.trailing) this.#completed.push(node);
  }

  #keep(whole: boolean): number {
    const { events } = this.#state;
    if (this.#place < 0) this.#place = events.push(kept(this.#event, whole)) - 1;
    else if (whole && events[this.#place]!.data === null) events[this.#place] = kept(this.#event, true);
    return this.#place;
  }

  /** Whether the partial match can still become complete, or more than it is. */
  #isHopeful(node: Node, step: Step): boolean {
    if ((node.open & step.exits) !== 0) return true;
    if ((node.open & REPEAT) === 0) return false;
    return (step.exits & ~node.barred) !== 0 || (step.canEnd && !this.#plan.trailing);
  }

  #turnTo(node: Node | undefined): void {
    this.#node = node;
    this.#captures = null;
  }

  /** Made when a condition first asks. */
  #capturesNow(): Captures {
    this.#captures ??= capturesOf(this.#plan, this.#state, pathOf(this.#state, this.#node));
    return this.#captures;
  }

  #fitsStep(at: number): boolean {
    return this.#fits(this.#plan.steps[at]!.test);
  }

  /** Whether the step is a loop without bound and this is the `until` event (S3). */
  #isEnded(at: number): boolean {
    const { until, steps } = this.#plan;
    return until !== null && steps[at]!.max === Infinity && this.#fits(until);
  }

  #fits(test: Test): boolean {
    if (test.readsCaptures) return matchesFilter(test.filter, this.#event, this.#capturesNow(), this.#input);
    let answer = this.#answers.get(test);
    if (answer === undefined) {
      answer = matchesFilter(test.filter, this.#event, {}, this.#input);
      this.#answers.set(test, answer);
    }
    return answer;
  }
}
