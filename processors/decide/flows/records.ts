// Records of a flow: what is told of it.

import { type Flow, variantOf } from '../../../rules/flows/flow.ts';
import type { EntityRef } from '../../../schemas/decision.ts';
import type { FlowKind, FlowRecord } from '../../../schemas/flow-record.ts';

export interface Told {
  readonly at: number;
  readonly kind: FlowKind;
  /** Left out: it is about the flow as a whole. */
  readonly step?: { readonly number: number; readonly name: string | null };
  readonly reason?: string | null;
  readonly until?: number;
  readonly action?: string;
  readonly by?: string;
  readonly note?: string;
}

type Teller = Pick<Flow, 'id' | 'rule' | 'version' | 'chosen'>;

export function recordOf(flow: Teller, entity: EntityRef, told: Told): FlowRecord {
  const { at, kind, step, reason = null, until = null, action = null, by = null, note = null } = told;
  return {
    flow: flow.id,
    rule: flow.rule,
    ruleVersion: flow.version,
    entity,
    at,
    kind,
    step: step?.number ?? null,
    name: step?.name ?? null,
    reason,
    variant: variantOf(flow),
    until,
    action,
    by,
    note,
  };
}
