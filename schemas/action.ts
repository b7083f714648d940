// An action: one message or command to one entity over one channel. Written to actions.<channel>, read by connectors
// and by other teams.

import type { EntityRef } from './decision.ts';
import type { JsonObject } from './json.ts';

/** Where a push message goes: one installation of an app, or one browser. */
export interface Device {
  /** Its key among the person's devices. */
  readonly id: string;
  readonly type: 'android' | 'ios' | 'web';
  /** Of FCM or APNs; null for the web. */
  readonly token: string | null;
  /** Bundle or package name of the app it was learned from; null: not told. */
  readonly app: string | null;
  /** Of a browser; null for apps. */
  readonly subscription: { readonly endpoint: string; readonly p256dh: string; readonly auth: string } | null;
}

export interface Action {
  /** Hash of the decision, the step and, from the second channel of a route on, the attempt: the idempotency key. */
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
  /** Which channel of its route this is: 1 for the first, one more for each that took over after a failure. */
  readonly attempt: number;
  /** After it nothing is sent any more, ms; null: for ever. */
  readonly validUntil: number | null;
  /** Pacing of the send, messages a second over all workers; null: none. */
  readonly ratePerSecond: number | null;
  /** The person's devices, for push; of other channels none. */
  readonly devices: readonly Device[];
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
    attempt: action.attempt,
    validUntil: action.validUntil === null ? null : new Date(action.validUntil).toISOString(),
    ratePerSecond: action.ratePerSecond,
    devices: action.devices.map(({ id, type, app }) => ({ id, type, app })),
    data: action.data,
    context: action.context,
  };
}
