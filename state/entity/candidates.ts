// Candidates that wait: for the end of quiet hours, for a model's answer, for a person.
//
// Owns: the stored form of a match, and how many of them may wait. Does not own: why they wait (gates, scores).

import type { Match } from '../../rules/patterns/pattern.ts';
import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { WaitKind } from './waits.ts';

/** A match, with what its rule will read of it. */
export interface HeldMatch {
  readonly at: number;
  readonly events: readonly string[];
  readonly event: Event | null;
  readonly captures: readonly { readonly name: string; readonly events: readonly Event[]; readonly isList: boolean }[];
}

/** Each has the events of its match with all their data; a person who has more waiting for one reason is a machine. */
const HELD_MAX = 32;

/** Its stored form. */
export const heldMatch = binary.record<HeldMatch>({
  at: binary.integer,
  events: binary.list(binary.text),
  event: binary.nullable(binary.event),
  captures: binary.list(
    binary.record({ name: binary.text, events: binary.list(binary.event), isList: binary.boolean }),
  ),
});

function heldFor(reason: string): WaitKind<HeldMatch> {
  return { what: { kind: reason, version: 1, ...heldMatch }, max: HELD_MAX };
}

/** By the reason for which they wait. */
export const heldMatches = {
  'quiet-hours': heldFor('quiet-hours'),
  score: heldFor('score'),
  review: heldFor('review'),
} as const;

export type HeldReason = keyof typeof heldMatches;

export function heldMatchOf({ at, events, event, captures }: Match): HeldMatch {
  return {
    at,
    events,
    event: event?.packed() ?? null,
    captures: Object.entries(captures).map(([name, captured]) => {
      // A step that repeats captures a list of events.
      const isList = Array.isArray(captured);
      const list = (isList ? captured : [captured]) as readonly Event[];
      return { name, events: list.map((one) => one.packed()), isList };
    }),
  };
}

/** The match again, stamped `at`. */
export function matchOf({ events, event, captures }: HeldMatch, at: number): Match {
  const named = captures.map(({ name, events: captured, isList }) => [name, isList ? captured : captured[0]]);
  return { at, events, event, captures: Object.fromEntries(named) };
}
