// What a compiled rule is: pure functions of (event, state, scope), which the evaluator (processors/) runs.

import type { Needs } from '../expressions/needs.ts';
import type { Expression } from '../expressions/scope.ts';
import type { CompiledProgram } from '../flows/index.ts';
import type { ExclusiveGroup } from '../gates/exclusive.ts';
import type { AnyGate } from '../gates/gate.ts';
import type { CompiledReview } from '../gates/review.ts';
import type { Urgency } from '../gates/urgency.ts';
import type { Lane, Pattern } from '../patterns/pattern.ts';

/** The order in which rules go at one moment: by priority, then urgency, then id. */
export function compareRules(a: CompiledRule, b: CompiledRule): number {
  return (
    b.priority - a.priority ||
    URGENCY_RANK[a.urgency] - URGENCY_RANK[b.urgency] ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

const URGENCY_RANK: Readonly<Record<Urgency, number>> = { critical: 0, operational: 1, marketing: 2 };

export interface CompiledRule {
  readonly id: string;
  /** Hash of the rule's meaning (its tests and comments apart), 12 hex digits. */
  readonly version: string;
  /** What must stay the same for the pattern's state to mean the same: 1 to 2^20 - 1 (rule-shape.ts). */
  readonly shape: number;
  readonly entity: string;
  readonly enabled: boolean;
  readonly priority: number;
  readonly urgency: Urgency;
  /** How long its decisions and messages are good, ms; Infinity: for ever; null: as long as its urgency says. */
  readonly validForMs: number | null;
  readonly category: string | null;
  /** What it says of itself, which is no part of its version; null: nothing. */
  readonly description: string | null;
  readonly lane: Lane;
  /** How far an event may come behind newer ones and still be in time for this rule, ms; 0 in event-time order. */
  readonly reorderMs: number;
  readonly pattern: Pattern;
  /** `by`: state is kept apart per value, which comes as text; a null value is not seen. Null: not used. */
  readonly by: Expression | null;
  /** What tells its fired decisions apart, as text or null (`cooldown.key`); null: nothing does. */
  readonly firedKey: Expression | null;
  /** The group of which an entity has one active flow; null: none. */
  readonly exclusive: ExclusiveGroup | null;
  /** How long a person has to look first, and what counts where nobody does; null: nobody looks. */
  readonly review: CompiledReview | null;
  /** Those that it asks, in order. */
  readonly gates: readonly AnyGate[];
  /** What is done once it has fired. */
  readonly program: CompiledProgram;
  /** What its expressions, and the templates of its sends, ask to be remembered. */
  readonly needs: Needs;
}
