// A flow: one run of a rule's `then` for one fired decision, as it is kept of its entity while it lives, and after it as long as
// its goal is looked for.
//
// Owns: what is kept, and its stored form. Does not own: where it goes (program.ts, processors/flow).
//
// Invariants:
//   L1. A flow that waits is this and one due row: nothing of it is in memory, and events of names that it does not wait for
//       do not touch it.

import * as binary from '../../schemas/binary.ts';
import type { Event } from '../../schemas/event.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { StateCodec } from '../../schemas/section.ts';
import type { Capture } from '../expressions/scope.ts';
import { type HeldMatch, heldMatch, matchOf } from '../patterns/held-match.ts';

/** Why a flow is over. */
export const END_REASONS = [
  'completed',
  'exit',
  'goal',
  'stopped',
  'restarted',
  'pre-empted',
  'changed',
  'rejected',
  'cancelled',
  'erased',
] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface Chosen {
  readonly experiment: string;
  readonly variant: string;
}

export interface Flow {
  /** The decision's. */
  readonly id: string;
  readonly rule: string;
  /** Version of the rule by which it goes. */
  version: string;
  /** Value of the rule's `by`, '' without one. */
  readonly by: string;
  /** Event time of the match, ms. */
  readonly startedAt: number;
  readonly match: HeldMatch;
  /** How many flows led to what it does now, at one go, by `emit` or `set`. */
  depth: number;
  /** Events that it waited for and that have a name. */
  captures: { readonly name: string; readonly event: Event }[];
  chosen: Chosen[];
  /** What a person changed of its messages' data; null: nothing. */
  edited: JsonObject | null;
  /** The program by which it goes, as far as a change of the rule needs it (moving.ts). */
  outline: string;
  /** Whether a change of the rule moved it: the numbers of its steps may have come before. */
  isMoved: boolean;
  /** Number of the step at which it waits. */
  step: number;
  /** Since when it waits there, ms; its interval is (since, until]. */
  since: number;
  /** When the wait is over by itself, ms. */
  until: number;
  /** Why a step waits that is none of waiting by nature (quiet hours); '' else. */
  held: string;
  /** Whether a message of it was written. */
  hasSent: boolean;
  /** Until when its goal is looked for, ms; Infinity: while it lives; -1: it has none, or reached it. */
  goalUntil: number;
  /** When it ended, ms; -1: it lives. */
  endedAt: number;
}

const event = binary.event;

const list = binary.list(
  binary.record<Flow>({
    id: binary.text,
    rule: binary.text,
    version: binary.text,
    by: binary.text,
    startedAt: binary.integer,
    match: heldMatch,
    depth: binary.integer,
    captures: binary.list(binary.record<Flow['captures'][number]>({ name: binary.text, event })),
    chosen: binary.list(binary.record<Chosen>({ experiment: binary.text, variant: binary.text })),
    edited: binary.nullable(binary.json as binary.Binary<JsonObject>),
    outline: binary.text,
    isMoved: binary.boolean,
    step: binary.integer,
    since: binary.integer,
    until: binary.integer,
    held: binary.text,
    hasSent: binary.boolean,
    goalUntil: {
      write: (time, out) => out.long(time === Infinity ? -2 : time),
      read: (input) => {
        const time = input.long();
        return time === -2 ? Infinity : time;
      },
    },
    endedAt: binary.integer,
  }),
);

/** All flows of an entity, in the order in which they began. */
export const flowList: StateCodec<Flow[]> = { kind: 'flows', version: 1, ...list };

export function isAlive({ endedAt }: Flow): boolean {
  return endedAt < 0;
}

/** The names that its expressions read: of the match, and of what it waited for since. */
export function capturesOf({ match, captures }: Pick<Flow, 'match' | 'captures'>): Readonly<Record<string, Capture>> {
  const known = matchOf(match, match.at).captures;
  if (captures.length === 0) return known;
  return { ...known, ...Object.fromEntries(captures.map((one) => [one.name, one.event])) };
}

/** The variant that its messages carry: the one chosen last; null: none. */
export function variantOf({ chosen }: Pick<Flow, 'chosen'>): string | null {
  return chosen.at(-1)?.variant ?? null;
}

/** When the first of them is to be looked at, ms; Infinity: never. Of one that ended, when its goal is no longer looked for. */
export function flowsDue(flows: readonly Flow[] | undefined): number {
  let due = Infinity;
  for (const flow of flows ?? []) {
    const own = isAlive(flow) ? flow.until : flow.goalUntil < 0 ? Infinity : flow.goalUntil;
    if (own < due) due = own;
  }
  return due;
}
