// Actions: one for each send whose route leads somewhere, to its first channel.
//
// Invariants:
//   A1. An action's id is a hash of decision and step, and of the attempt from the second channel of a route on: the same in
//       every run and replay.

import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { DigestContents, ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import { capturesOf, type Flow } from '../../rules/flows/flow.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import type { GateContext } from '../../rules/gates/gate.ts';
import type { Route } from '../../rules/gates/route.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Action, Device } from '../../schemas/action.ts';
import type { EntityRef } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Sections } from '../../schemas/section.ts';
import { devicesOf } from '../../state/entity/devices.ts';
import { withDigest } from './digest.ts';
import { validForMsOf } from './sending.ts';

/** What an action is made of. */
export interface Sent {
  readonly rule: CompiledRule;
  /** The flow, or what there is of one: the decision's id, and the match. */
  readonly flow: Pick<Flow, 'id' | 'isMoved' | 'edited' | 'match' | 'captures'>;
  /** Null: it is no part of a flow that is told of. */
  readonly flowId: string | null;
  readonly entity: EntityRef;
  /** Event time, ms. */
  readonly at: number;
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  readonly sections: Sections;
  readonly around: GateContext;
  readonly variant: string | null;
  /** What a digest shows; null: it is none. */
  readonly digest: DigestContents | null;
}

/** The action of a send to the first channel of its route, which there must be. */
export function actionOf({ send, channels }: Route<CompiledSend>, sent: Sent): Action {
  const { rule, flow, flowId, entity, at, failed, sections, around, variant, digest } = sent;
  const scope = digest === null ? sent.scope : withDigest(sent.scope, digest);
  const [channel, ...fallback] = channels;
  assert(channel !== undefined, 'an action goes somewhere');
  const validForMs = validForMsOf(rule, around);
  return {
    id: actionId(momentOf(flow, at), send.step, 1),
    decision: flow.id,
    rule: rule.id,
    ruleVersion: rule.version,
    entity,
    at,
    channel,
    fallback,
    template: send.template,
    urgency: rule.urgency,
    category: rule.category,
    variant,
    flow: flowId,
    step: send.step,
    attempt: 1,
    validUntil: Number.isFinite(validForMs) ? at + validForMs : null,
    ratePerSecond: send.ratePerSecond,
    devices: devicesFor(channel, sections, around),
    data: { ...send.data(scope, failed), ...flow.edited },
    context: shownTo(flow, scope, digest),
  };
}

/** What ids of its steps are of: once it was moved, a number may have come before, and the time tells. */
export function momentOf({ id, isMoved }: Pick<Flow, 'id' | 'isMoved'>, at: number): string {
  return isMoved ? `${id}@${at}` : id;
}

/** A1. */
export function actionId(decision: string, step: number, attempt: number): string {
  const which = attempt === 1 ? `${decision}\0${step}` : `${decision}\0${step}\0${attempt}`;
  return hash('sha256', which).slice(0, 32);
}

export function devicesFor(channel: string, sections: Sections, { channels }: GateContext): readonly Device[] {
  if (channels.get(channel)?.usesDevices !== true) return [];
  return devicesOf(sections).map(({ device }) => device);
}

/** What templates see of the match, and of what the flow waited for. */
function shownTo(flow: Pick<Flow, 'match' | 'captures'>, scope: Scope, digest: DigestContents | null): JsonObject {
  const captures = Object.entries(capturesOf(flow)).map(([name, captured]) => [name, jsonOfValue(captured)]);
  const { event } = flow.match;
  return {
    ...(event !== null && { event: event.toJson() }),
    ...Object.fromEntries(captures),
    profile: scope.profile,
    ...(digest !== null && { items: digest.items, more: Number(digest.more) }),
  };
}
