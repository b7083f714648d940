// What a compiled rule is: pure functions of (event, state, scope), which the evaluator (processors/) runs.
//
// Owns: interfaces only. rules/compile.ts makes them, rules/patterns/*.ts implement Pattern, state/ stores PatternState.
//
// Invariants:
//   R1. Nothing here does I/O, reads a clock or a random number: time comes in with events and deadlines.
//   R2. An expression never throws out of a rule: a failure makes the condition false and is reported to `failed`.
//   R3. Whatever a pattern keeps is bounded.

import type { Event } from '../schemas/event.ts';
import type { Json, JsonObject } from '../schemas/json.ts';

/** `arrival`: evaluated as read. `event-time`: in event-time order, once stream time passes (design.md, Time 4). */
export type Lane = 'arrival' | 'event-time';
export type Urgency = 'critical' | 'operational' | 'marketing';
export type PatternKind = 'event' | 'absence' | 'inactive' | 'count';

/** Names an expression may use. `captures` holds the rule's `as` names. */
export interface Scope {
  /** The event at hand: of `where` the one tested, of `if` and `data` the completing or last matched one; null if none. */
  event: Event | null;
  captures: Readonly<Record<string, Event>>;
  /** Attributes of the entity; an unset one reads as null. */
  profile: JsonObject;
  /** Event time, ms. */
  now: number;
  /** Fired sends to `channel` (or "any") with event time in (now - withinMs, now]. */
  sent(channel: string, withinMs: number): number;
}

/** A compiled CEL expression. Throws what CEL throws: callers are in rules/, which keep R2. */
export interface Expression {
  readonly source: string;
  evaluate(scope: Scope): unknown;
}

/** A compiled boolean expression with the paths it reads, so that a decision can say what the condition saw. */
export interface Condition {
  readonly source: string;
  /** False when it is false or fails (R2). */
  holds(scope: Scope, failed: ExpressionFailed): boolean;
  /** The values of the variables and calls in it, by their text: `{"profile.plan": "pro", "sent(\"any\", \"24h\")": 0}`. */
  values(scope: Scope): JsonObject;
}

export type ExpressionFailed = (source: string, error: unknown) => void;

/** What a pattern found. */
export interface Match {
  /** Event time of the decision: the completing event's, or the deadline. */
  readonly at: number;
  /** The events that made the match, in event-time order (rules.md, `events` of a decision); ids only are needed. */
  readonly events: readonly string[];
  readonly captures: Readonly<Record<string, Event>>;
  /** `event` in `if`: the completing event, for deadlines the last matched one. */
  readonly event: Event | null;
}

/** What a pattern is handed while it looks at one event or deadline. */
export interface PatternInput {
  /** Scope without event and captures, which the pattern sets itself. */
  readonly scope: Scope;
  match(match: Match): void;
  readonly failed: ExpressionFailed;
  /** Counts something dropped to keep a bound (R3), such as `clocks`. */
  dropped(what: string): void;
}

/**
 * One trigger pattern. `State` is a plain object that schemas/state/entity.avsc can hold; a pattern may change the
 * object it is given and must return it (or a new one, or null: nothing to keep).
 */
export interface Pattern<State extends PatternState = PatternState> {
  readonly kind: PatternKind;
  /** Event names it must be shown, or '*' for every event. */
  readonly interests: readonly string[] | '*';
  onEvent(state: State | null, event: Event, input: PatternInput): State | null;
  /** Called once stream time has passed `deadlineOf(state)`, with that deadline. */
  onDeadline(state: State, deadline: number, input: PatternInput): State | null;
  /** Earliest time at which it wants onDeadline; Infinity: none. */
  deadlineOf(state: State): number;
}

export interface AbsenceState {
  readonly kind: 'absence';
  /** In order of deadline, equal ones in order of start. */
  clocks: { start: Event; deadline: number }[];
}

export interface InactiveState {
  readonly kind: 'inactive';
  /** The last event seen. */
  last: Event;
  deadline: number;
  /** Whether this silence was reported. */
  fired: boolean;
}

export interface CountState {
  readonly kind: 'count';
  /** In order of time. */
  entries: { at: number; messageId: string }[];
}

export type PatternState = AbsenceState | InactiveState | CountState;

/** `then: send`, compiled. */
export interface CompiledSend {
  /** Position among the rule's steps; 0 for the first. */
  readonly step: number;
  readonly channel: string;
  readonly template: string | null;
  readonly fallback: readonly string[];
  /** The data of the action; a failing value is null and reported. */
  data(scope: Scope, failed: ExpressionFailed): { readonly [name: string]: Json };
}

export interface CompiledRule {
  readonly id: string;
  /** Hash of the rule's meaning (its tests and comments apart), 12 hex digits. */
  readonly version: string;
  readonly entity: string;
  readonly enabled: boolean;
  readonly priority: number;
  readonly urgency: Urgency;
  readonly category: string | null;
  readonly lane: Lane;
  /** How far an event may come behind newer ones and still be in time for this rule, ms; 0 in event-time order. */
  readonly reorderMs: number;
  readonly pattern: Pattern;
  /** `by`: state is kept apart per value, which comes as text; a null value is not seen. Null: not used. */
  readonly by: Expression | null;
  readonly condition: Condition | null;
  /** The value of `key` comes as text or null; `key` null: one cooldown for the entity. */
  readonly cooldown: { readonly forMs: number; readonly key: Expression | null } | null;
  readonly limits: readonly { readonly max: number; readonly perMs: number }[];
  readonly sends: readonly CompiledSend[];
  /** How far back the rule's `sent(...)` calls look, ms; 0: it calls none. */
  readonly sentHistoryMs: number;
  /** Whether one of its expressions reads the profile, or an action of it shows the profile to a template. */
  readonly usesProfile: boolean;
}

/** Rules as one whole, with the index that makes an event cost only the rules that care. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  rule(id: string): CompiledRule | undefined;
  /** Rules of `entity` to be shown an event of this name, by lane, in order of id. */
  interested(entity: string, lane: Lane, eventName: string): readonly CompiledRule[];
  /** How far back the rules' `sent(...)` calls look, ms; 0: no rule asks. */
  readonly sentHistoryMs: number;
  /** Whether a rule reads the profile. */
  readonly usesProfile: boolean;
}
