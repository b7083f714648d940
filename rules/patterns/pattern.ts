// What a pattern is once it is compiled: a small machine over its own state.
//
// Owns: interfaces only. Each pattern's own file or folder has the machine, its shape, its state and its words
// (definition.ts); processors/evaluate runs it.
//
// Invariants:
//   P1. Nothing here does I/O, reads a clock or a random number: time comes in with events and deadlines.
//   P2. Whatever a pattern keeps is bounded.

import type { Event } from '../../schemas/event.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { StateCodec } from '../../schemas/section.ts';
import type { Capture, ExpressionFailed, Scope, SessionFigures } from '../expressions/scope.ts';

/** `arrival`: evaluated as read. `event-time`: in event-time order, once stream time passes. */
export type Lane = 'arrival' | 'event-time';

/** What a pattern found. */
export interface Match {
  /** Event time of the decision: the completing event's, or the deadline. */
  readonly at: number;
  /** The events that made the match, in event-time order (docs/rules.md, `events` of a decision); ids only are needed. */
  readonly events: readonly string[];
  readonly captures: Readonly<Record<string, Capture>>;
  /** `event` in `if`: the completing event, for deadlines the last matched one. */
  readonly event: Event | null;
  /** Event times of `events`, by which `all` merges several matches; left out where all are stamped `at`. */
  readonly times?: readonly number[];
  /** What `session` reads as in the rest of the rule; left out where the pattern has none. */
  readonly session?: SessionFigures;
}

/** What a pattern is handed while it looks at one event or deadline. */
export interface PatternInput {
  /** Scope without event and captures, which the pattern sets itself. */
  readonly scope: Scope;
  /** The profile as it was before the event at hand; for all but identify messages the same as the scope's. */
  profileBefore(): JsonObject;
  match(match: Match): void;
  readonly failed: ExpressionFailed;
  /** Counts something dropped to keep a bound (P2), such as `clocks`. */
  dropped(what: string): void;
}

/** What a pattern remembers: a plain object of its own, which says of what kind it is. */
export interface PatternState {
  readonly kind: string;
}

/** One trigger pattern. It may change the state it is given and must return it, or a new one, or null: nothing to keep. */
export interface Pattern<State extends PatternState = PatternState> {
  /** How its state is stored; null: it keeps nothing. A state of another kind, left by an earlier version of the rule, is dropped. */
  readonly state: StateCodec<State> | null;
  /** Event names it must be shown, or '*' for every event. */
  readonly interests: readonly string[] | '*';
  onEvent(state: State | null, event: Event, input: PatternInput): State | null;
  /** Called once stream time has passed `deadlineOf(state)`, with that deadline. */
  onDeadline(state: State, deadline: number, input: PatternInput): State | null;
  /** Earliest time at which it wants onDeadline; Infinity: none. */
  deadlineOf(state: State): number;
  readonly words: PatternWords<State>;
}

/** How an explanation speaks of a pattern. It decides nothing. */
export interface PatternWords<State extends PatternState = PatternState> {
  /** Before anything is kept. */
  readonly nothing: string;
  /** Where it stands at event time `now`, ms, and what it waits for; `until`: ISO-8601 deadline, '' where none is set. */
  progress(state: State, now: number, until: string): string;
  /** What its deadline says when it is reached; `at`: ISO-8601. */
  deadline(state: State, at: string): string;
}
