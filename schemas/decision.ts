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

/** A send that waits in a digest. */
export interface GatheredSend {
  readonly step: number;
  /** Id of the digest. */
  readonly digest: string;
  /** When it goes out, ms; in quiet hours later. */
  readonly until: number;
}

/** Of the decision by which a digest goes out, or does not. */
export interface DigestOfDecision {
  readonly id: string;
  /** How many matches it gathered. */
  readonly items: number;
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
  /** Its sends that wait in a digest. */
  readonly gathered: readonly GatheredSend[];
  /** Null: it is about a match. */
  readonly digest: DigestOfDecision | null;
}

/**
 * A decision as programs read it: the line of decisions.jsonl (docs/files.md), times in ISO-8601 with ms; without `passedOver` where
 * every send took its first channel, and without `gathered` and `digest` where there is none.
 */
export type DecisionJson = Readonly<Omit<Decision, 'at' | 'entity' | 'passedOver' | 'gathered' | 'digest'>> & {
  readonly passedOver?: Decision['passedOver'];
  readonly gathered?: readonly { readonly step: number; readonly digest: string; readonly until: string }[];
  readonly digest?: DigestOfDecision;
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
    ...(decision.gathered.length > 0 && {
      gathered: decision.gathered.map(({ step, digest, until }) => ({
        step,
        digest,
        until: new Date(until).toISOString(),
      })),
    }),
    ...(decision.digest !== null && { digest: { id: decision.digest.id, items: decision.digest.items } }),
  };
}
