// An action: one message or command to one entity over one channel. Written to actions.<channel>, read by connectors
// and by other teams.

import type { EntityRef } from './decision.ts';
import type { JsonObject } from './json.ts';

export interface Action {
  /** Hash of the decision and the step: the idempotency key of the delivery. */
  readonly id: string;
  readonly decision: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  /** Event time of the decision, ms since 1970. */
  readonly at: number;
  readonly channel: string;
  /** Channels to try when this one fails, in order. */
  readonly fallback: readonly string[];
  readonly template: string | null;
  readonly urgency: string;
  readonly category: string | null;
  readonly variant: string | null;
  readonly flow: string | null;
  readonly step: number;
  /** The rule's `data`. */
  readonly data: JsonObject;
  /** What templates may show: `event`, the captures by name, and `profile`. */
  readonly context: JsonObject;
}

/** The line of actions.jsonl: the record's fields, `at` in ISO-8601 with ms. */
export function actionJson(action: Action): JsonObject {
  return {
    id: action.id,
    decision: action.decision,
    rule: action.rule,
    ruleVersion: action.ruleVersion,
    entity: { type: action.entity.type, id: action.entity.id },
    at: new Date(action.at).toISOString(),
    channel: action.channel,
    fallback: action.fallback,
    template: action.template,
    urgency: action.urgency,
    category: action.category,
    variant: action.variant,
    flow: action.flow,
    step: action.step,
    data: action.data,
    context: action.context,
  };
}
