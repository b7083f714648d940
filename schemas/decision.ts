// A decision: what the engine concluded about one match, fired or not, with its reason. Fields: docs/files.md.

import type { JsonObject } from './json.ts';

export const OUTCOMES = ['fired', 'suppressed', 'deferred', 'review'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface EntityRef {
  readonly type: string;
  readonly id: string;
}

/** A channel that a send did not take, and the gate that took it out. */
export interface PassedOver {
  readonly step: number;
  readonly channel: string;
  readonly reason: string;
}

export interface Decision {
  readonly id: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  /** Event time, ms since 1970. */
  readonly at: number;
  readonly outcome: Outcome;
  /** The gate that said no (rules/gates); null when it fired. */
  readonly reason: string | null;
  /** Ids of the events that made the match, in event-time order. */
  readonly events: readonly string[];
  /** What the conditions saw. */
  readonly values: JsonObject;
  readonly variant: string | null;
  readonly flow: string | null;
  /** 0 for the match itself. */
  readonly step: number;
  readonly passedOver: readonly PassedOver[];
}

/**
 * A decision as programs read it: the line of decisions.jsonl (docs/files.md), `at` in ISO-8601 with ms; without `passedOver` where
 * every send took its first channel.
 */
export type DecisionJson = Readonly<Omit<Decision, 'at' | 'entity' | 'passedOver'>> & {
  readonly passedOver?: Decision['passedOver'];
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
    ...(decision.passedOver.length > 0 && {
      passedOver: decision.passedOver.map(({ step, channel, reason }) => ({ step, channel, reason })),
    }),
  };
}
