// One entity at hand: what deciding needs of the evaluation that found something (processors/evaluate/evaluation.ts).
//
// Owns: interfaces only.

import type { Scope } from '../../rules/expressions/scope.ts';
import type { Lane } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision, EntityRef } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import type { Emitted } from './flows/emitted.ts';
import type { ScoreRequest } from './scores.ts';
import type { EvaluationTrace } from './trace.ts';

export interface Visit {
  /** type/id. */
  readonly key: string;
  readonly entity: EntityRef;
  readonly document: EntityDocument;
  readonly rules: RuleSet;
  readonly output: DecideOutput;
  /** A scope of its own, with profile and account as of the lane. */
  scopeOf(lane: Lane): Scope;
  /** Event time up to which everything of the entity has been evaluated, ms. */
  settledTime(): number;
  /** Wall time of the task, ms; null: there is none, as in tests and backtests. */
  wallTime(): number | null;
  /** The event, which was shown to rules on arrival, is to have its turn in event-time order too. */
  awaitTurn(event: Event): void;
  /** A message was sent at `at`, ms. */
  sent(at: number): void;
  /**
   * A flow sets or emits something: rules see it once what is at hand is done. `isInOrder`: everything up to its time has
   * happened.
   */
  happens(emitted: Emitted, isInOrder: boolean): void;
}

/** Traceparents of the event that completed the match, and of what follows from the decision on it. */
export interface DecisionTrace {
  readonly parent: string;
  readonly own: string;
}

export interface DecideOutput {
  decision(decision: Decision, rule: CompiledRule, trace: DecisionTrace | null): void;
  action(action: Action, trace: DecisionTrace | null): void;
  /** Nothing more comes of the send: its route is used up. */
  routeEnded(last: Action, reason: string): void;
  flow(record: FlowRecord): void;
  /** What was written of the flow and is not yet sent is not to be sent. */
  cancelled(entity: EntityRef, flow: string, at: number): void;
  /** A model is asked beside the task; the answer comes back as an event (scores.ts). */
  ask(request: ScoreRequest): void;
  /** An expression of the rule failed: the condition counts as false. */
  failed(rule: CompiledRule, source: string, error: unknown): void;
  dropped(rule: CompiledRule, what: string): void;
  readonly trace: EvaluationTrace | null;
}
