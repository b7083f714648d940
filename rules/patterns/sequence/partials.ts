// The partial matches of one entity, as its document keeps them: a tree whose every path from the root is a partial match.
//
// Owns: the tree, what is dropped to bound it. Does not own: how it grows (advance.ts), what is complete (matches.ts).
//
// Invariants:
//   T1. Partial matches that begin alike share their beginning, and an event is kept once however many of them took it.
//   T2. What no partial match needs is gone after each event: compact().
//   T3. At most PARTIALS_MAX partial matches, and EVENTS_MAX events in them; the earliest-begun go first, and are counted.
//   T4. `events` is in the order of evaluation, so that places in it compare as the events do; a parent comes before its
//       children in `nodes`.

import * as binary from '../../../schemas/binary.ts';
import type { Event } from '../../../schemas/event.ts';
import type { StateCodec } from '../../../schemas/section.ts';
import type { PatternInput } from '../pattern.ts';
import type { SequencePlan } from './plan.ts';

/** A tree of events taken, whose every path from a root is a partial match. */
export interface SequenceState {
  readonly kind: 'sequence';
  /** Which sequence it belongs to: after a change of the rule's steps it means nothing. */
  readonly plan: number;
  /** In order of evaluation; `data` is the whole event where something reads it, and then has the id and time. */
  events: { messageId: string; at: number; data: Event | null }[];
  /** Parents before children. */
  nodes: {
    /** Places in `events`: of its own event, and of the first on its path. */
    event: number;
    first: number;
    /** Place in `nodes`; -1: the path begins here. */
    parent: number;
    step: number;
    /** How many events the step has taken, this one included. */
    count: number;
    /** What may follow, in bits (plan.ts); 0: other paths pass through, none ends here. */
    open: number;
    /** What may not follow, nor after further repetitions of the step. */
    barred: number;
  }[];
}

const parts = binary.record<Omit<SequenceState, 'kind'>>({
  plan: binary.integer,
  events: binary.list(
    binary.record({ messageId: binary.text, at: binary.integer, data: binary.nullable(binary.event) }),
  ),
  nodes: binary.list(
    binary.record({
      event: binary.integer,
      first: binary.integer,
      parent: binary.integer,
      step: binary.integer,
      count: binary.integer,
      open: binary.integer,
      barred: binary.integer,
    }),
  ),
});

export const sequenceState: StateCodec<SequenceState> = {
  kind: 'sequence',
  version: 1,
  write: parts.write,
  read: (input) => ({ kind: 'sequence', ...parts.read(input) }),
};

/** docs/rules.md: "partial matches: 256 per entity and rule (`by` value)". */
export const PARTIALS_MAX = 256;
/** A loop without bound and without `within` would otherwise take all that ever happens to the entity. */
export const EVENTS_MAX = 1_000;

export type Node = SequenceState['nodes'][number];
export type KeptEvent = SequenceState['events'][number];

export function timeOf({ at, data }: KeptEvent): number {
  return data === null ? at : data.time;
}

export function idOf({ messageId, data }: KeptEvent): string {
  return data === null ? messageId : data.messageId;
}

/** An event as it is kept: whole where its data are read again, else its id and time. */
export function kept(event: Event, whole: boolean): KeptEvent {
  return whole
    ? { messageId: '', at: 0, data: event.packed() }
    : { messageId: event.messageId, at: event.time, data: null };
}

/** When the partial match is over. */
export function deadlineOf(plan: SequencePlan, state: SequenceState, node: Node): number {
  return timeOf(state.events[node.first]!) + plan.withinMs;
}

/** The path to the node, its own end last. */
export function pathOf(state: SequenceState, node: Node | undefined): Node[] {
  const path: Node[] = [];
  for (let step = node; step !== undefined; step = state.nodes[step.parent]) path.push(step);
  return path.reverse();
}

/** What the names of the steps along the path stand for; lists are there, empty, before their step. */
export function capturesOf(
  plan: SequencePlan,
  state: SequenceState,
  path: readonly Node[],
): Record<string, Event | Event[]> {
  const captures: Record<string, Event | Event[]> = {};
  for (const name of plan.lists) captures[name] = [];
  for (const node of path) {
    const { capture, isList } = plan.steps[node.step]!;
    const { data } = state.events[node.event]!;
    if (capture === null || data === null) continue;
    if (isList) (captures[capture] as Event[]).push(data);
    else captures[capture] = data;
  }
  return captures;
}

/** Drops the partial matches for which `isOver`. */
export function dropIf(state: SequenceState, isOver: (node: Node) => boolean): void {
  for (const node of state.nodes) {
    if (node.open !== 0 && isOver(node)) node.open = 0;
  }
}

/** The number of nodes, and of those that a partial match ends at: both stay the same exactly when nothing changed. */
export function sizeOf(state: SequenceState): { readonly nodes: number; readonly open: number } {
  let open = 0;
  for (const node of state.nodes) if (node.open !== 0) open++;
  return { nodes: state.nodes.length, open };
}

/** Keeps the bounds (T3). */
export function bound(state: SequenceState, input: PatternInput): void {
  let open = state.nodes.filter((node) => node.open !== 0);
  if (open.length > PARTIALS_MAX) {
    open.sort((a, b) => a.first - b.first);
    for (const node of open.slice(0, open.length - PARTIALS_MAX)) {
      node.open = 0;
      input.dropped('partial-matches');
    }
    compact(state);
  }
  while (state.events.length > EVENTS_MAX) {
    open = state.nodes.filter((node) => node.open !== 0);
    const oldest = Math.min(...open.map((node) => node.first));
    for (const node of open) {
      if (node.first !== oldest) continue;
      node.open = 0;
      input.dropped('partial-matches');
    }
    compact(state);
  }
}

/** Removes nodes that no partial match passes through, and events that no node took (T2). */
export function compact(state: SequenceState): void {
  const { nodes, events } = state;
  const needed = nodes.map((node) => node.open !== 0);
  for (let at = nodes.length - 1; at >= 0; at--) {
    const { parent } = nodes[at]!;
    if (needed[at] && parent >= 0) needed[parent] = true;
  }
  if (!needed.includes(false)) return;
  const taken = new Set<number>();
  for (const [at, node] of nodes.entries()) if (needed[at]) taken.add(node.event);
  const eventPlaces = newPlaces(events.length, (at) => taken.has(at));
  const nodePlaces = newPlaces(nodes.length, (at) => needed[at]!);
  state.nodes = nodes.filter((_, at) => needed[at]);
  state.events = events.filter((_, at) => taken.has(at));
  for (const node of state.nodes) {
    node.event = eventPlaces[node.event]!;
    // The first event is that of the path's first node, which is needed as long as this one is.
    node.first = eventPlaces[node.first]!;
    if (node.parent >= 0) node.parent = nodePlaces[node.parent]!;
  }
}

function newPlaces(length: number, stays: (at: number) => boolean): number[] {
  let next = 0;
  return Array.from({ length }, (_, at) => (stays(at) ? next++ : -1));
}
