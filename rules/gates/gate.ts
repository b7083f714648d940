// What a gate is: something that a candidate passes before it fires, and that says no for a reason of its own.
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
import type { Route } from './route.ts';

/** A decision that may be made. */
export interface Candidate {
  readonly rule: { readonly id: string; readonly category: string | null };
  readonly match: Match;
  /** type/id. */
  readonly entityKey: string;
  /** Fired decisions of the rule. */
  readonly fired: FiredDecisions;
  /** What tells its fired decisions apart: the value of `cooldown.key`, '' without one. */
  readonly firedKey: string;
  /** What gates remember of the entity, each in a section of its own. */
  readonly sections: Sections;
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  readonly around: GateContext;
  /** What the person said about `*`, a category, or `channel:<name>`; undefined: nothing. */
  said(about: string): boolean | undefined;
  /** One for each send, from which consent and reach take channels. */
  readonly routes: readonly Route[];
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
  /** All that rules may send to, by name. */
  readonly channels: ReadonlyMap<string, ChannelTraits>;
  /** Categories for which the person must have said yes. */
  readonly optIn: ReadonlySet<string>;
  /** Categories that no wish stops. */
  readonly always: ReadonlySet<string>;
  /** False in inline tests: nobody is held out. */
  readonly withHoldouts: boolean;
}

/** That a gate says no. */
export interface Refusal {
  /** When the candidate is to be asked again, ms; Infinity: when an answer comes; null: it is over. */
  readonly until: number | null;
}

export const REFUSED: Refusal = { until: null };

/** A gate of one rule. */
export interface Gate {
  /** Of the decision that it refuses. */
  readonly reason: string;
  /** Null: it passes. */
  refusal(candidate: Candidate): Refusal | null;
  /** Whether it is asked at all, where that depends on more than the rule; left out: it is. */
  isAsked?(candidate: Candidate): boolean;
  /** How long a fired decision of the rule matters to it, ms; left out: not at all. */
  readonly historyMs?: number;
  /** Notes what it has to know of a candidate that fired. `settled`: everything up to this event time has been decided. */
  fired?(candidate: Candidate, settled: number): void;
  /** The values that it saw or would have seen, for the decision's record. */
  values?(scope: Scope): JsonObject;
  /** What it saw; of one that refused, what would have been needed. Null: there is nothing to say. */
  words(candidate: Candidate, refused: boolean): string | null;
}

export interface GateTools {
  readonly rule: string;
  /** What `if` may use. */
  readonly names: Names;
  /** Whether the rule sends anything. */
  readonly sends: boolean;
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
  /** Null: the rule does not ask it. The body may lack parts that had mistakes, which were reported. */
  compile(body: Body, tools: GateTools): Omit<Gate, 'reason'> | null;
}

export function defineGate<Fields extends TProperties>(
  definition: { readonly fields: Fields } & GateDefinition<Loose<Static<TObject<Fields>>>>,
): GateDefinition {
  return definition as GateDefinition;
}

/** Of a condition, for explanations: what it is and what it saw. */
export function conditionInWords(condition: Condition, scope: Scope): string {
  const values = Object.entries(condition.values(scope)).map(([name, value]) => `${name} was ${JSON.stringify(value)}`);
  return [condition.source, ...values].join('; ');
}
