// A decision: what the engine concluded about one match, fired or not, with its reason. Fields: interfaces.md.

import type { JsonObject } from './json.ts';

export const OUTCOMES = ['fired', 'suppressed', 'deferred', 'review'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Why a candidate did not fire, in the order in which the gates ask (design.md, Decision). */
export const REASONS = [
  'disabled',
  'audience',
  'holdout',
  'condition',
  'cooldown',
  'exclusive',
  'limit',
  'cap',
  'consent',
  'unreachable',
  'quiet-hours',
  'review',
] as const;
export type Reason = (typeof REASONS)[number];

export interface EntityRef {
  readonly type: string;
  readonly id: string;
}

export interface Decision {
  readonly id: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  /** Event time, ms since 1970. */
  readonly at: number;
  readonly outcome: Outcome;
  /** Null when it fired. */
  readonly reason: Reason | null;
  /** Ids of the events that made the match, in event-time order. */
  readonly events: readonly string[];
  /** What the conditions saw. */
  readonly values: JsonObject;
  readonly variant: string | null;
  readonly flow: string | null;
  /** 0 for the match itself. */
  readonly step: number;
}

/** A decision as programs read it: the line of decisions.jsonl, `at` in ISO-8601 with ms. */
export type DecisionJson = Readonly<Omit<Decision, 'at' | 'entity'>> & {
  readonly at: string;
  readonly entity: { readonly type: string; readonly id: string };
};

export function decisionJson(decision: Decision): DecisionJson {
  return {
    id: decision.id,
    rule: decision.rule,
    ruleVersion: decision.ruleVersion,
    entity: { type: decision.entity.type, id: decision.entity.id },
    at: new Date(decision.at).toISOString(),
    outcome: decision.outcome,
    reason: decision.reason,
    events: decision.events,
    values: decision.values,
    variant: decision.variant,
    flow: decision.flow,
    step: decision.step,
  };
}
