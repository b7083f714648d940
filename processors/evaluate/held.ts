// Candidates that wait: for the end of quiet hours, for a model's answer, for a person.
//
// Owns: keeping a match until it is looked at again. Does not own: why it waits (gates.ts, scores.ts).
//
// Invariants:
//   D1. At most HELD_MAX wait for each entity; one more does not wait, and is refused for the same reason (I2, I8).

import type { CompiledRule, Match } from '../../rules/api.ts';
import type { Event } from '../../schemas/event.ts';
import type { HeldCandidate, HeldReason } from '../../state/entity/context.ts';
import { contextOf, type EntityDocument } from '../../state/entity/document.ts';

/** Each has the events of its match with all their data; a person who has more waiting is a machine. */
const HELD_MAX = 32;

/** False when too many wait already (D1). `due`: when it is looked at again; Infinity: something else ends it. */
export function hold(
  document: EntityDocument,
  rule: CompiledRule,
  match: Match,
  reason: HeldReason,
  due: number,
): boolean {
  const context = contextOf(document);
  if (context.held.length >= HELD_MAX) return false;
  const candidate: HeldCandidate = {
    rule: rule.id,
    reason,
    due,
    at: match.at,
    events: match.events,
    event: match.event?.packed() ?? null,
    captures: Object.entries(match.captures).map(([name, captured]) => capturedAs(name, captured)),
  };
  context.held = [...context.held, candidate];
  return true;
}

/** Takes out those that `isOver` says wait no longer, in the order in which they came. */
export function release(document: EntityDocument, isOver: (held: HeldCandidate) => boolean): readonly HeldCandidate[] {
  const { context } = document;
  if (context === null || context.held.length === 0) return [];
  const released = context.held.filter(isOver);
  if (released.length > 0) context.held = context.held.filter((one) => !released.includes(one));
  return released;
}

/** The match of a candidate, stamped `at`. */
export function matchOf({ events, event, captures }: HeldCandidate, at: number): Match {
  const named = captures.map(({ name, events: captured, isList }) => [name, isList ? captured : captured[0]]);
  return { at, events, event, captures: Object.fromEntries(named) };
}

/** A step that repeats captures a list of events. */
function capturedAs(name: string, captured: Event | readonly Event[]): HeldCandidate['captures'][number] {
  const isList = Array.isArray(captured);
  const events = (isList ? captured : [captured]) as readonly Event[];
  return { name, events: events.map((event) => event.packed()), isList };
}
