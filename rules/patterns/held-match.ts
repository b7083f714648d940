// A match as it is kept while its candidate, or its flow, lives on: with what its rule will read of it.

import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { Match } from './pattern.ts';

export interface HeldMatch {
  readonly at: number;
  readonly events: readonly string[];
  readonly event: Event | null;
  readonly captures: readonly { readonly name: string; readonly events: readonly Event[]; readonly isList: boolean }[];
}

export const heldMatch: binary.Binary<HeldMatch> = binary.record<HeldMatch>({
  at: binary.integer,
  events: binary.list(binary.text),
  event: binary.nullable(binary.event),
  captures: binary.list(
    binary.record({ name: binary.text, events: binary.list(binary.event), isList: binary.boolean }),
  ),
});

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
