// The order of decisions.jsonl and actions.jsonl: (at, entity, rule), as text that sorts so.

import type { EntityRef } from '../../schemas/decision.ts';

export function sortKey({ at, entity, rule }: { at: number; entity: EntityRef; rule: string }): string {
  return `${String(at).padStart(16, '0')}\0${entity.type}/${entity.id}\0${rule}`;
}
