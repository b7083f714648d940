// What an expression is, and what it may read while it is evaluated.
//
// Owns: interfaces only. compiler.ts makes expressions; processors/evaluate/scope.ts is the scope of a live entity.
//
// Invariants:
//   R1. Nothing here does I/O, reads a clock or a random number: time comes in with events and deadlines.
//   R2. An expression never throws out of a rule: a failure makes the condition false and is reported to `failed`.

import type { Event } from '../../schemas/event.ts';
import type { JsonObject } from '../../schemas/json.ts';

/** What an `as` name stands for: an event, or a list of them where its step repeats. */
export type Capture = Event | readonly Event[];

/** What `flow` reads as. */
export interface FlowNames {
  readonly id: string;
  readonly rule: string;
  readonly startedAt: Date;
}

/** What a digest gathered. */
export interface DigestContents {
  /** One for each match, in order of time: `{ at, decision, event, <captures>, data }`. */
  readonly items: readonly JsonObject[];
  /** How many matches more there were, for which there was no room: CEL's int. */
  readonly more: bigint;
}

/** Names an expression may use. `captures` holds the rule's `as` names, `flow`, and of a digest what it gathered. */
export interface Scope {
  /** The event at hand: of `where` the one tested, of `if` and `data` the completing or last matched one; null if none. */
  event: Event | null;
  captures: Readonly<Record<string, Capture | FlowNames | DigestContents[keyof DigestContents]>>;
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
  /** The rule whose flow is at one of its steps, which therefore lives; left out: none. */
  ownFlow?: string | null;
  /** Ids of flows that end where the one at hand begins, and so live no more; left out: none. */
  ended?: ReadonlySet<string>;
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

/** What a session adds up to (patterns/session/). */
export interface SessionFigures {
  /** From the first event to the last, ms. */
  readonly durationMs: number;
  readonly events: number;
  /** The figure of `count(name)`, `distinct(expression)` or `max(expression)`, by its text; undefined: there is none. */
  figure(text: string): number | undefined;
}
