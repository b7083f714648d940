// What an explanation is told while one entity is evaluated (services/explain).
//
// Owns: the interface only. Patterns and conditions tell it nothing by themselves: the rule that is explained is wrapped.
//
// Invariants:
//   T1. It changes nothing: a run with a trace decides what a run without it does, for the entity that it looks at.

import type { Candidate } from '../../rules/gates/gate.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';

/** An expression of a rule that failed, and so counted as false or as no value. */
export interface FailedExpression {
  readonly rule: string;
  readonly expression: string;
  readonly reason: string;
}

export interface EvaluationTrace {
  /** An event has come, in reading order. False: it is another entity's, and is not evaluated. */
  came(key: string, event: Event): boolean;
  /** The event that came last was seen before. */
  duplicate(event: Event): void;
  /** Event-time rules do not see the event, since its entity has been evaluated up to `evaluatedBefore`, ms. */
  late(event: Event, evaluatedBefore: number): void;
  /** Before the decision takes effect: what the gates saw is still there. */
  decided(decision: Decision, rule: CompiledRule, candidate: Candidate): void;
  /** Something happened in a flow. */
  flowed(record: FlowRecord): void;
}
