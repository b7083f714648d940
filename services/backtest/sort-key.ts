// The order of decisions.jsonl and actions.jsonl, (at, entity, rule), and of flows.jsonl, (at, entity, rule, flow), as text that
// sorts so.

import type { EntityRef } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';

export function sortKey({ at, entity, rule }: { at: number; entity: EntityRef; rule: string }): string {
  return `${String(at).padStart(16, '0')}\0${entity.type}/${entity.id}\0${rule}`;
}

export function flowSortKey(record: FlowRecord): string {
  return `${sortKey(record)}\0${record.flow}`;
}
