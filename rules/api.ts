// What a compiled rule is: pure functions of (event, state, scope), which the evaluator (processors/) runs.
//
// Owns: interfaces only. rules/project/compile-rule.ts makes them, rules/patterns/*.ts implement Pattern, state/ stores PatternState.
//
// Invariants:
//   R1. Nothing here does I/O, reads a clock or a random number: time comes in with events and deadlines.
//   R2. An expression never throws out of a rule: a failure makes the condition false and is reported to `failed`.
//   R3. Whatever a pattern keeps is bounded.

import type { Event } from '../schemas/event.ts';
import type { Json, JsonObject } from '../schemas/json.ts';
import type { Needs } from './expressions/needs.ts';
import type { Holdout } from './gates/hold-out.ts';
import type { QuietHours } from './gates/quiet-hours.ts';
import type { CompiledSegment, Surroundings } from './project/surroundings.ts';

/** `arrival`: evaluated as read. `event-time`: in event-time order, once stream time passes (design.md, Time 4). */
export type Lane = 'arrival' | 'event-time';
export type Urgency = 'critical' | 'operational' | 'marketing';
export type PatternKind =
  | 'event'
  | 'absence'
  | 'inactive'
  | 'count'
  | 'aggregate'
  | 'baseline'
  | 'threshold'
  | 'change'
  | 'segment'
  | 'at'
  | 'session'
  | 'sequence'
  | 'all'
  | 'any';
/** What a pattern's state is called; those that keep nothing are named by themselves. */
export type StateKind = PatternState['kind'] | 'event' | 'change' | 'segment';

/** What an `as` name stands for: an event, or a list of them where its step repeats. */
export type Capture = Event | readonly Event[];

/** Names an expression may use. `captures` holds the rule's `as` names. */
export interface Scope {
  /** The event at hand: of `where` the one tested, of `if` and `data` the completing or last matched one; null if none. */
  event: Event | null;
  captures: Readonly<Record<string, Capture>>;
  /** Attributes of the entity; an unset one reads as null. */
  profile: JsonObject;
  /** Event time, ms. */
  now: number;
  /** What `session` reads as; null outside of session rules. */
  session: SessionFigures | null;
  /** Attributes of the group that the entity belongs to; an unset one reads as null. */
  account: JsonObject;
  /** Events of that name in (now - withinMs, now]. */
  count(name: string, withinMs: number): number;
  /** When the last event of that name happened, ms; null: never. */
  last(name: string): number | null;
  /** Messages of any channel that were opened or clicked in (now - withinMs, now]. */
  outcomes(outcome: 'opened' | 'clicked', withinMs: number): number;
  inSegment(id: string): boolean;
  /** Throws when there is no score and no default. */
  score(model: string): number;
  consent(category: string): boolean;
  inFlow(rule: string): boolean;
  /** To be told when an answer just given would change by time alone. */
  changesAt(time: number): void;
  /** Fired sends to `channel` (or "any") with event time in (now - withinMs, now]. */
  sent(channel: string, withinMs: number): number;
  /** Told what conditions and figures came to; there is one only while a rule is being explained. */
  observer?: ExpressionObserver | null;
}

/** `value`: what it came to, or the Error that it failed with. */
export type ExpressionObserver = (asked: Expression | Condition, value: unknown, scope: Scope) => void;

/** A compiled CEL expression. Throws what CEL throws: callers are in rules/, which keep R2. */
export interface Expression {
  readonly source: string;
  evaluate(scope: Scope): unknown;
}

/** A compiled boolean expression with the paths it reads, so that a decision can say what the condition saw. */
export interface Condition {
  readonly source: string;
  /** The captures it reads. */
  readonly captures: readonly string[];
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
  readonly captures: Readonly<Record<string, Capture>>;
  /** `event` in `if`: the completing event, for deadlines the last matched one. */
  readonly event: Event | null;
  /** Event times of `events`, by which `all` merges several matches; left out where all are stamped `at`. */
  readonly times?: readonly number[];
  /** What `session` reads as in the rest of the rule; left out where the pattern has none. */
  readonly session?: SessionFigures;
}

/** What a session adds up to (patterns/session/). */
export interface SessionFigures {
  /** From the first event to the last, ms. */
  readonly durationMs: number;
  readonly events: number;
  /** The figure of `count(name)`, `distinct(expression)` or `max(expression)`, by its text; undefined: there is none. */
  figure(text: string): number | undefined;
}

/** What a pattern is handed while it looks at one event or deadline. */
export interface PatternInput {
  /** Scope without event and captures, which the pattern sets itself. */
  readonly scope: Scope;
  /** The profile as it was before the event at hand; for all but identify messages the same as the scope's. */
  profileBefore(): JsonObject;
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
  /** Of its state; a state of another kind, left by an earlier version of the rule, is dropped. */
  readonly kind: StateKind;
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

/** `count` with `distinct`. */
export interface DistinctState {
  readonly kind: 'distinct';
  /** In order of time. */
  entries: { at: number; messageId: string; value: string }[];
}

/** `count` with `atMost`. */
export interface AtMostState {
  readonly kind: 'atMost';
  /** In order of time; `value` is that of `distinct`, '' without it. */
  entries: { at: number; messageId: string; value: string }[];
  /** The last event seen. */
  last: Event;
}

/** Three columns, a row for each event or, where there are many, for each bucket of them; in order of time. */
export interface AggregateState {
  readonly kind: 'aggregate';
  times: number[];
  values: number[];
  /** Events in each row; empty where every row is one event. */
  counts: number[];
}

export interface BaselineState {
  readonly kind: 'baseline';
  /** When the current window began. */
  start: number;
  /** Events of the current window. */
  current: number;
  /** Events of the windows before it, the newest last. */
  previous: number[];
  /** Whether the rate was reported as left, downwards or upwards, and has not come back. */
  dropped: boolean;
  risen: boolean;
  /** The last event seen. */
  last: Event;
}

export interface ThresholdState {
  readonly kind: 'threshold';
  /** Time of the newest reading. */
  newest: number;
  /** The reading that began the excursion; null: there is none. */
  start: Event | null;
  /** Whether this excursion was reported. */
  fired: boolean;
}

export interface AtState {
  readonly kind: 'at';
  moment: number;
  /** Whether nothing more is to come of this moment. */
  over: boolean;
  /** The event that told the date. */
  source: Event;
}

export interface SessionState {
  readonly kind: 'session';
  start: number;
  newest: number;
  events: number;
  /** Whether the session was reported. */
  fired: boolean;
  firstId: string;
  last: Event;
  /** `count(name)` and `max(expression)`, by their text. */
  figures: { of: string; value: number }[];
  /** `distinct(expression)`, by its text. */
  distinct: { of: string; values: string[] }[];
}

/** `sequence`: a tree of events taken, whose every path from a root is a partial match (patterns/sequence/). */
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
    /** What may follow, in bits (patterns/sequence/plan.ts); 0: other paths pass through, none ends here. */
    open: number;
    /** What may not follow, nor after further repetitions of the step. */
    barred: number;
  }[];
}

/** `all` and `any`. */
export interface CompoundState {
  readonly kind: 'compound';
  /** States of the inner patterns that have one, by their place in the list. */
  inner: { place: number; state: PatternState }[];
  /** The last match of each inner pattern that waits for others, by its place. */
  matched: InnerMatch[];
  /** `any` with `within`: when it last fired; -1: never. */
  last: number;
}

export interface InnerMatch {
  place: number;
  at: number;
  events: readonly { id: string; at: number }[];
  captures: readonly { name: string; event: Event }[];
}

export type PatternState =
  | AbsenceState
  | InactiveState
  | CountState
  | DistinctState
  | AtMostState
  | AggregateState
  | BaselineState
  | ThresholdState
  | AtState
  | SessionState
  | SequenceState
  | CompoundState;

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
  /** What must stay the same for the pattern's state to mean the same: 1 to 2^20 - 1 (rules/project/rule-shape.ts). */
  readonly shape: number;
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
  readonly audience: Condition | null;
  readonly holdout: Holdout | null;
  /** Group of which the entity has one active flow at a time. */
  readonly exclusive: string | null;
  readonly quietHours: QuietHours | null;
  readonly review: Condition | null;
  /** What its expressions, and the templates of its sends, ask to be remembered. */
  readonly needs: Needs;
}

/** Rules as one whole, with the index that makes an event cost only the rules that care. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  rule(id: string): CompiledRule | undefined;
  /** Rules of `entity` to be shown an event of this name, by lane, in order of id. */
  interested(entity: string, lane: Lane, eventName: string): readonly CompiledRule[];
  readonly surroundings: Surroundings;
  /** What is asked to be remembered of entities of this type, by rules and segments and the models that they ask. */
  needs(entity: string): Needs;
  /** Whether a rule in event-time order asks for the entry into a segment, or the exit. */
  tracksInOrder(entity: string): boolean;
  /** Segments of entities of this type. */
  segments(entity: string): readonly CompiledSegment[];
}
