// A sequence as it is run: its steps, what must not come between them, and from each step the ways on.
//
// Owns: the plan's shape and the bits of a partial match. Does not own: making it from a rule (compile.ts), running it
// (advance.ts).
//
// A partial match is the events taken so far, each by a step. What may follow the last of them is a set of bits, so that
// a partial match is a few small integers and closing a way is one operation:
//   FRESH    the very next event is still to come (for `{ not, next: strict }`)
//   REPEAT   the step that took the last event may take another
//   END      the match is complete but for the deadline (trailing `not`)
//   then one bit for each step that may come next: the one behind, and those behind it while the ones between are optional

import type { Capture } from '../../expressions/scope.ts';
import type { EventFilter } from '../definition.ts';

/** How the next event is found: the very next one, the next that fits, or each that fits (Flink CEP). */
export type Next = 'strict' | 'relaxed' | 'any';
export type Skip = 'past-last' | 'none' | 'to-next';
export type Captures = Readonly<Record<string, Capture>>;

export const FRESH = 1;
export const REPEAT = 2;
export const END = 4;
/** 31 bits hold the 20 steps that a sequence may have (schema.ts). */
const FIRST_ENTRY = 8;

/** The bit of entering step `to` from step `from`; -1 is where a match begins. */
export function entryBit(from: number, to: number): number {
  return FIRST_ENTRY << (to - from - 1);
}

export interface Test {
  readonly filter: EventFilter;
  /** Whether it reads what was matched before, and so must be asked again for each partial match. */
  readonly readsCaptures: boolean;
}

/** What must not come; `strict`: only right after an event of the step before it. */
export interface Not {
  readonly test: Test;
  readonly strict: boolean;
  /** The ways of a partial match that it closes. */
  readonly closes: number;
}

export interface Step {
  readonly test: Test;
  readonly capture: string | null;
  /** Whether the capture is a list. */
  readonly isList: boolean;
  /** At least 1: that the step may be left out is `optional`. */
  readonly min: number;
  readonly max: number;
  readonly optional: boolean;
  readonly entry: Next;
  readonly inner: Next;
  readonly greedy: boolean;
  /** Whether something reads the data of its events later on. */
  readonly keepsData: boolean;
  /** Steps that may come next; the first is the one behind it. */
  readonly nextSteps: readonly number[];
  /** What must not come after its events. */
  readonly nots: readonly Not[];
  /** Whether a match may end here. */
  readonly canEnd: boolean;
  /** All ways out of it, by entries or by END; 0 for the last step of a sequence without a trailing `not`. */
  readonly exits: number;
  /** FRESH where one of `nots` is strict, else 0. */
  readonly fresh: number;
}

export interface SequencePlan {
  readonly steps: readonly Step[];
  /** Steps that may come first. */
  readonly firstSteps: readonly number[];
  /** Ends the loops that have no `max`. */
  readonly until: Test | null;
  /** Infinity: no bound. */
  readonly withinMs: number;
  /** Whether a `not` stands last, so that matches come at their deadlines. */
  readonly trailing: boolean;
  readonly skip: Skip;
  /** How far an event may come behind newer ones, ms. */
  readonly reorderMs: number;
  /** Tells it from other sequences: a state made by another one is dropped. */
  readonly hash: number;
  /** Names of the captures that are lists, which are there, empty, before their step. */
  readonly lists: readonly string[];
}
