// Complete matches: in which order they fire, and what each of them drops.
//
// Invariants:
//   M1. A match is its list of events, however they are dealt to steps: the same list fires once, dealt to the earlier
//       steps first.
//   M2. Of matches completed together, the earliest-begun fires first, then the one with earlier events, a longer list
//       before its own beginning.
//   M3. A match fires when complete, then drops: past-last, what began up to its last event; to-next, what began with its
//       first; none, nothing.

import type { Event } from '../../../schemas/event.ts';
import type { PatternInput } from '../pattern.ts';
import type { SequenceState } from './partials.ts';
import { capturesOf, dropIf, idOf, type Node, pathOf, timeOf } from './partials.ts';
import type { SequencePlan } from './plan.ts';

export interface Complete {
  readonly node: Node;
  /** Event time of the match. */
  readonly at: number;
  /** The completing event; null at a deadline. */
  readonly event: Event | null;
}

/** Reports the matches and drops what they drop; `complete` are all that one event, or one deadline after the other, made. */
export function fire(
  plan: SequencePlan,
  state: SequenceState,
  complete: readonly Complete[],
  input: PatternInput,
): void {
  const candidates = complete.map((one) => ({ ...one, path: pathOf(state, one.node) }));
  candidates.sort((a, b) => a.at - b.at || compareEvents(a.path, b.path) || compareSteps(a.path, b.path));
  const fired: Node[][] = [];
  for (const { path, at, event } of candidates) {
    const last = fired.at(-1);
    if (last !== undefined && compareEvents(last, path) === 0) continue;
    if (fired.some((match) => drops(plan, match, path[0]!.event))) continue;
    report(plan, state, path, at, event, input);
    fired.push(path);
  }
  dropIf(state, (node) => fired.some((match) => drops(plan, match, node.first)));
}

/** Whether a fired match drops what began with the event at the place `first` (M3). */
function drops(plan: SequencePlan, match: readonly Node[], first: number): boolean {
  if (plan.skip === 'past-last') return first <= match.at(-1)!.event;
  return plan.skip === 'to-next' && first === match[0]!.event;
}

function compareEvents(a: readonly Node[], b: readonly Node[]): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const order = a[at]!.event - b[at]!.event;
    if (order !== 0) return order;
  }
  return b.length - a.length;
}

function compareSteps(a: readonly Node[], b: readonly Node[]): number {
  const differing = a.findIndex((node, at) => node.step !== b[at]!.step);
  return differing < 0 ? 0 : a[differing]!.step - b[differing]!.step;
}

function report(
  plan: SequencePlan,
  state: SequenceState,
  path: readonly Node[],
  at: number,
  event: Event | null,
  input: PatternInput,
): void {
  const events = path.map((node) => state.events[node.event]!);
  const inTime = [...events].sort((a, b) => timeOf(a) - timeOf(b));
  input.match({
    at,
    events: inTime.map(idOf),
    times: inTime.map(timeOf),
    captures: capturesOf(plan, state, path),
    event: event ?? events.at(-1)!.data,
  });
}
