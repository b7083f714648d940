// What a gate is: something that says no for a reason of its own, to a candidate before it fires (Gate), or to a channel of one
// of its sends when that send's turn comes (ChannelGate).
//
// Owns: interfaces, and the tools by which gates are compiled. Each gate is one file here and a line in index.ts, whose order
// is the order in which they are asked.
//
// Invariants:
//   G1. A gate reads and its effect is written in the same task, one candidate after the other: no cooldown, limit, cap
//       or group can be exceeded by a race (I4).
//   G2. A gate that counts holds over event time in whichever order decisions are made: an earlier-stamped candidate that
//       comes later is held against the ones after it too, and one so late that what it must be held against has been
//       forgotten is refused.
//   G3. Channel gates are asked of one send after the other, each knowing what those before it will send.

import type { Static, TObject, TProperties } from 'typebox';
import type { JsonObject } from '../../schemas/json.ts';
import type { Sections } from '../../schemas/section.ts';
import type { Names } from '../expressions/compiler.ts';
import type { Condition, ExpressionFailed, Scope } from '../expressions/scope.ts';
import type { Path } from '../language/parse.ts';
import type { Loose } from '../language/parts.ts';
import type { Match } from '../patterns/pattern.ts';
import type { CompiledCap } from './caps.ts';
import type { ChannelTraits } from './channels.ts';
import type { GlobalHoldout } from './holdouts.ts';
import type { Route } from './route.ts';
import type { Routing, Urgency } from './urgency.ts';

/** Somebody who may be sent something. */
export interface Recipient {
  readonly rule: {
    readonly id: string;
    readonly category: string | null;
    readonly urgency: Urgency;
    readonly priority: number;
  };
  /** What gates remember of the entity, each in a section of its own. */
  readonly sections: Sections;
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  readonly around: GateContext;
  /** What the person said about `*`, a category, or `channel:<name>`; undefined: nothing. */
  said(about: string): boolean | undefined;
  /** How many devices the person has. */
  devices(): number;
}

/** What came of a candidate's wait for a person. */
export interface Reviewed {
  /** The decision that asked. */
  readonly of: string;
  readonly verdict: 'approve' | 'edit' | 'reject' | 'timeout';
  /** Null: nobody answered. */
  readonly by: string | null;
  readonly note: string | null;
}

/** A decision that may be made. */
export interface Candidate extends Recipient {
  readonly match: Match;
  /** type/id. */
  readonly entityKey: string;
  /** Fired decisions of the rule. */
  readonly fired: FiredDecisions;
  /** What tells its fired decisions apart: the value of `cooldown.key`, '' without one. */
  readonly firedKey: string;
  /** Value of the rule's `by`, '' without one. */
  readonly by: string;
  readonly flows: KnownFlows;
  /** Wall time of the task, ms; null: there is none, as in tests and backtests. */
  readonly wallTime: number | null;
  /** What a person who looked at it said, or that nobody did in time; null: it was not for review. */
  readonly reviewed: Reviewed | null;
  /** One for each send whose turn comes at the match, from which channel gates take channels. */
  readonly routes: readonly Route[];
}

/** A send whose turn has come. */
export interface Sending extends Recipient {
  /** Event time, ms. */
  readonly at: number;
  /** Channels of the messages that go out at the same time before this one (G3). */
  readonly before: readonly string[];
}

/** What gates know of the entity's flows. */
export interface KnownFlows {
  /** Whether one of the rule, and of this value of `by`, lives at `at` or after it. */
  lives(rule: string, by: string, at: number): boolean;
  /** Whether one of the rule, and of this value of `by`, begins after `at`, and lives. */
  beginsAfter(rule: string, by: string, at: number): boolean;
  /** Whether one of the rule, and of this value of `by`, lives that began at `from`. */
  began(rule: string, by: string, from: number): boolean;
  /** How many live at `at` or after it. */
  count(at: number): number;
  /** The rule's priority; undefined: there is none such. */
  priorityOf(rule: string): number | undefined;
}

export interface FiredDecisions {
  /** In order of decision; `key` is the cooldown's, '' without one. */
  readonly fired: readonly { readonly key: string; readonly at: number }[];
  /** Latest event time of one that is no longer in `fired`; -1: none. */
  readonly forgotten: number;
}

/** What gates know of the project. */
export interface GateContext {
  readonly caps: readonly CompiledCap[];
  /** Of all rules; in order, the first that an entity is in is told. */
  readonly holdouts: readonly GlobalHoldout[];
  /** All that rules may send to, by name. */
  readonly channels: ReadonlyMap<string, ChannelTraits>;
  /** Categories for which the person must have said yes. */
  readonly optIn: ReadonlySet<string>;
  /** Categories, and channels as `channel:<name>`, for which a yes must be confirmed. */
  readonly doubleOptIn: ReadonlySet<string>;
  /** Categories that ask nobody: what the law or security obliges us to say. */
  readonly always: ReadonlySet<string>;
  readonly routing: Routing;
  /** How long decisions and messages are good, by urgency, ms; null: for ever, where nothing is live. */
  readonly validForMs: Readonly<Record<Urgency, number>> | null;
  /** False in inline tests: nobody is held out. */
  readonly withHoldouts: boolean;
}

/** That a gate says no. */
export interface Refusal {
  /** When the candidate is to be asked again, ms; Infinity: when an answer comes; null: it is over. */
  readonly until: number | null;
}

export const REFUSED: Refusal = { until: null };

/** A gate of one rule, asked of the whole candidate. */
export interface Gate {
  /** Of the decision that it refuses. */
  readonly reason: string;
  /** Null: it passes. */
  refusal(candidate: Candidate): Refusal | null;
  /** Whether it is asked at all, where that depends on more than the rule; left out: it is. */
  isAsked?(candidate: Candidate): boolean;
  /** How long a fired decision of the rule matters to it, ms; left out: not at all. */
  readonly historyMs?: number;
  /** Until when nothing may be sent at `at`, ms; null: it may. Of gates that a send asks whenever its turn comes. */
  quietUntil?(at: number, scope: Scope): number | null;
  /** Notes what it has to know of a candidate that fired. `settled`: everything up to this event time has been decided. */
  fired?(candidate: Candidate, settled: number): void;
  /** The values that it saw or would have seen, for the decision's record. */
  values?(candidate: Candidate): JsonObject;
  /** What it saw; of one that refused, what would have been needed. Null: there is nothing to say. */
  words(candidate: Candidate, refused: boolean): string | null;
}

/** A gate of one rule that sends, asked of each channel of a send. */
export interface ChannelGate {
  /** Of the channel that it takes out, and of the decision of whose first send it takes out the last one. */
  readonly reason: string;
  allows(sending: Sending, channel: string): boolean;
  /** Whether it is asked at all, where that depends on more than the rule; left out: it is. */
  isAsked?(recipient: Recipient): boolean;
  /** Notes what it has to know of a message that goes out on this channel. */
  sent?(sending: Sending, channel: string): void;
  /** What it saw; of one that refused, what would have been needed. Null: there is nothing to say. */
  words(candidate: Candidate, refused: boolean): string | null;
}

export type AnyGate = Gate | ChannelGate;

export function isChannelGate(gate: AnyGate): gate is ChannelGate {
  return 'allows' in gate;
}

export interface GateTools {
  readonly rule: string;
  /** What `if` may use. */
  readonly names: Names;
  /** Whether the rule sends anything. */
  readonly sends: boolean;
  /** Whether what it begins may last, and what a match does meanwhile. */
  readonly flow: { readonly waits: boolean; readonly reentry: 'none' | 'restart' | 'parallel' };
  condition(path: Path, source: string | undefined, names: Names): Condition | null;
  readsProfile(): void;
  error(path: Path, message: string, hint?: string | null): void;
}

/** A gate of the language: its fields of the rule, and what they become. */
export interface GateDefinition<Body = unknown> {
  /** What explanations call it. */
  readonly name: string;
  /** Of the decision that it refuses. */
  readonly reason: string;
  readonly fields: TProperties;
  /** Whether it says no where a condition is not true, whose values tell why; left out: no. */
  readonly asksCondition?: true;
  /** Null: the rule does not ask it. The body may lack parts that had mistakes, which were reported. */
  compile(body: Body, tools: GateTools): Omit<Gate, 'reason'> | Omit<ChannelGate, 'reason'> | null;
}

export interface DecisionGateSpec<Fields extends TProperties> extends Omit<GateDefinition, 'fields' | 'compile'> {
  readonly fields: Fields;
  compile(body: Loose<Static<TObject<Fields>>>, tools: GateTools): Omit<Gate, 'reason'> | null;
}

export function defineGate<Fields extends TProperties>(definition: DecisionGateSpec<Fields>): GateDefinition {
  return definition as GateDefinition;
}

/** A gate that every rule asks that sends something. */
export function defineChannelGate(
  definition: Pick<GateDefinition, 'name' | 'reason' | 'fields'> & Omit<ChannelGate, 'reason'>,
): GateDefinition {
  const { name, reason, fields, ...gate } = definition;
  return { name, reason, fields, compile: (_body, { sends }) => (sends ? gate : null) };
}

/** Of a condition, for explanations: what it is and what it saw. */
export function conditionInWords(condition: Condition, scope: Scope): string {
  const values = Object.entries(condition.values(scope)).map(([name, value]) => `${name} was ${JSON.stringify(value)}`);
  return [condition.source, ...values].join('; ');
}
