// What happened in a flow: records of tripline.flows, and the lines of flows.jsonl. Fields: docs/files.md.

import type { EntityRef } from './decision.ts';

export const FLOW_KINDS = [
  'entered',
  'waiting',
  'sent',
  'skipped',
  'chose',
  'assigned',
  'reviewed',
  'goal',
  'ended',
] as const;
export type FlowKind = (typeof FLOW_KINDS)[number];

export interface FlowRecord {
  /** The decision that began it. */
  readonly flow: string;
  readonly rule: string;
  /** By which it went then. */
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  /** Event time, ms since 1970. */
  readonly at: number;
  readonly kind: FlowKind;
  /** Number of the step; null: it is about the flow as a whole. */
  readonly step: number | null;
  readonly name: string | null;
  readonly reason: string | null;
  /** The variant that was chosen last. */
  readonly variant: string | null;
  /** Of `waiting`: when the wait is over by itself, ms. */
  readonly until: number | null;
  /** Of `sent`: the action; of `skipped`, the one whose route was used up. */
  readonly action: string | null;
  /** Of `reviewed`: who answered; of `assigned`: who assigned it; of `ended` by `cancelled`: who did it. */
  readonly by: string | null;
  /** Of `reviewed`: what was said with the answer. */
  readonly note: string | null;
}

/** The line of flows.jsonl: times in ISO-8601 with ms, `by` and `note` only where there is one. */
export function flowRecordJson(record: FlowRecord) {
  const { flow, rule, ruleVersion, entity, at, kind, step, name, reason, variant, until, action, by, note } = record;
  return {
    flow,
    rule,
    ruleVersion,
    entity: { type: entity.type, id: entity.id },
    at: new Date(at).toISOString(),
    kind,
    step,
    name,
    reason,
    variant,
    until: until === null ? null : new Date(until).toISOString(),
    action,
    ...(by !== null && { by }),
    ...(note !== null && { note }),
  };
}
