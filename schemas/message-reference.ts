// Which message a link, a callback or a reply is about: all that a record of its outcome needs. It travels in signed links, and in
// <application>-sent for providers that name nothing but an id.

import type { Action } from './action.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

export interface MessageReference {
  readonly action: string;
  readonly decision: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly channel: string;
  readonly category: string | null;
  readonly attempt: number;
  readonly flow: string | null;
  readonly step: number;
  readonly variant: string | null;
  /** addressId() of where it went; null: not known. */
  readonly address: string | null;
}

export function referenceOf(action: Action, address: string | null): MessageReference {
  const { id, decision, rule, ruleVersion, entity, channel, category, attempt, flow, step, variant } = action;
  const { type, id: entityId } = entity;
  return {
    action: id,
    decision,
    rule,
    ruleVersion,
    entity: { type, id: entityId },
    channel,
    category,
    attempt,
    flow,
    step,
    variant,
    address,
  };
}

/** Null: it is none. */
export function referenceFrom(json: Json | undefined): MessageReference | null {
  if (json === undefined || !isJsonObject(json)) return null;
  const { entity } = json;
  const isWhole =
    ['action', 'decision', 'rule', 'ruleVersion', 'channel'].every((name) => typeof json[name] === 'string') &&
    ['attempt', 'step'].every((name) => typeof json[name] === 'number') &&
    isJsonObject(entity ?? null) &&
    typeof (entity as JsonObject)['type'] === 'string' &&
    typeof (entity as JsonObject)['id'] === 'string';
  return isWhole ? (json as unknown as MessageReference) : null;
}
