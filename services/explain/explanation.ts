// What an explanation says, for machines (`tripline explain --json`); text.ts says the same to people.
//
// Owns: the words only. Times are ISO-8601 with ms.

import type { DigestOfDecision, Outcome } from '../../schemas/decision.ts';
import type { DeliveryOutcome } from '../../schemas/delivery.ts';
import type { FlowKind } from '../../schemas/flow-record.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { FlowStepJson } from '../state/flow-json.ts';

/**
 * counted: it changed what the rule knows, or made a match. no-effect: the rule saw it, and nothing came of it. name: the
 * rule asks for other events. flow: its flows alone ask for it. where: a condition was false. by: it has no value for `by`. late: its entity had been
 * evaluated past it. failed: an expression failed, and counted as false or as no value. waiting: event-time order has not come to it yet.
 */
export type EventVerdict =
  | 'counted'
  | 'no-effect'
  | 'name'
  | 'flow'
  | 'where'
  | 'failed'
  | 'by'
  | 'late'
  | 'duplicate'
  | 'waiting';

/** A condition or figure of the rule's pattern, and what it came to. */
export interface Asked {
  readonly expression: string;
  /** Null when it failed, unless it came to a value that cannot be used. */
  readonly value: unknown;
  /** What is in it: null where that has no value. */
  readonly values: JsonObject;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
}

export interface ExplainedEvent {
  readonly kind: 'event';
  readonly at: string;
  readonly event: string;
  readonly id: string;
  readonly verdict: EventVerdict;
  /** Value of `by`; null without one. */
  readonly by: string | null;
  readonly asked: readonly Asked[];
  /** Where the pattern stands after it; null when the event did not change that. */
  readonly progress: string | null;
}

export interface ExplainedDeadline {
  readonly kind: 'deadline';
  readonly at: string;
  readonly by: string | null;
  /** Why it is one, such as "no purchase came". */
  readonly meaning: string;
  readonly asked: readonly Asked[];
}

export interface ExplainedGate {
  readonly gate: string;
  /** unused: the rule does not ask it. skipped: an earlier gate said no. */
  readonly verdict: 'passed' | 'refused' | 'unused' | 'skipped';
  /** What it saw; of one that refused, what would have been needed. */
  readonly detail: string | null;
}

/** What became of one action of a decision, as its records say. */
export interface ExplainedDelivery {
  readonly at: string;
  readonly channel: string;
  readonly outcome: DeliveryOutcome;
  readonly reason: string | null;
  readonly attempts: number;
  readonly action: string;
}

export interface ExplainedDecision {
  readonly kind: 'decision';
  readonly at: string;
  readonly id: string;
  readonly ruleVersion: string;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly events: readonly string[];
  readonly values: JsonObject;
  /** Its sends that wait in a digest; `until`: when that goes out, in quiet hours later. */
  readonly gathered: readonly { readonly step: number; readonly digest: string; readonly until: string }[];
  /** Of the decision by which a digest goes out, or does not; null: it is about a match. */
  readonly digest: DigestOfDecision | null;
  /** Empty for one that is known from its record only. */
  readonly gates: readonly ExplainedGate[];
  /** Whether the decision record is there; null where nobody looked (`--events`). */
  readonly recorded: boolean | null;
  /** In order of time; empty where nobody looked. */
  readonly deliveries: readonly ExplainedDelivery[];
}

/** Something that happened in a flow, by its record. */
export interface ExplainedFlowStep {
  readonly kind: 'flow';
  readonly at: string;
  /** Id of the decision that began it. */
  readonly flow: string;
  readonly what: FlowKind;
  /** Null: it is about the flow as a whole. */
  readonly step: Pick<FlowStepJson, 'number' | 'name' | 'words'> | null;
  readonly reason: string | null;
  /** The reason, in words. */
  readonly detail: string | null;
  readonly until: string | null;
  readonly waitsFor: string | null;
  readonly variant: string | null;
  readonly action: string | null;
  readonly by: string | null;
}

/** A flow that lives: where it waits, and what would end it before that is over. */
export interface ExplainedFlow {
  readonly flow: string;
  readonly step: FlowStepJson;
  readonly endsBy: readonly string[];
}

export type ExplainedStep = ExplainedEvent | ExplainedDeadline | ExplainedDecision | ExplainedFlowStep;

export interface Explanation {
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: { readonly type: string; readonly id: string };
  /** As of when; null: as of all that was read. */
  readonly asOf: string | null;
  /** In order of time. */
  readonly steps: readonly ExplainedStep[];
  /** Where the pattern stands, and what is still needed. */
  readonly needed: readonly string[];
  /** Those that live. */
  readonly flows: readonly ExplainedFlow[];
  /** What a reader must know to trust this, such as input that is gone. */
  readonly notes: readonly string[];
}
