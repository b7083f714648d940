// The actions of a fired decision: one for each route that leads somewhere, to its first channel.
//
// Invariants:
//   A1. An action's id is a hash of decision and step, and of the attempt from the second channel of a route on: the same in
//       every run and replay.

import { hash } from 'node:crypto';
import type { DigestContents, ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import type { GateContext } from '../../rules/gates/gate.ts';
import type { Route } from '../../rules/gates/route.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Action, Device } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Sections } from '../../schemas/section.ts';
import { devicesOf } from '../../state/entity/devices.ts';
import { contentsOf, itemWithData, withDigest } from './digest.ts';

export interface FiredCandidate {
  readonly rule: CompiledRule;
  readonly match: Match;
  readonly routes: readonly Route<CompiledSend>[];
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  readonly sections: Sections;
  readonly around: GateContext;
  /** What it gathered, where a digest goes out. */
  readonly digest?: DigestContents;
}

export function actionsOf(decision: Decision, candidate: FiredCandidate): Action[] {
  const { rule, match, routes, scope, failed, sections, around } = candidate;
  return routes.flatMap(({ send, channels: [channel, ...fallback] }) => {
    if (channel === undefined) return [];
    const contents = candidate.digest ?? digestOfOne(decision, send, candidate);
    if (contents !== null) withDigest(scope, contents);
    return {
      id: actionId(decision.id, send.step, 1),
      decision: decision.id,
      rule: rule.id,
      ruleVersion: rule.version,
      entity: decision.entity,
      at: decision.at,
      channel,
      fallback,
      template: send.template,
      urgency: rule.urgency,
      category: rule.category,
      variant: null,
      flow: null,
      step: send.step,
      attempt: 1,
      validUntil: validUntilOf(rule, decision.at, around),
      ratePerSecond: send.ratePerSecond,
      devices: devicesFor(channel, sections, around),
      data: send.data(scope, failed),
      context: shownTo(match, scope, contents),
    };
  });
}

/** A message that goes by itself reads as a digest too, so that one template does for both. */
function digestOfOne(decision: Decision, send: CompiledSend, candidate: FiredCandidate): DigestContents | null {
  if (send.digest === null) return null;
  const { match, scope, failed } = candidate;
  return contentsOf([itemWithData(decision, match, send, scope, failed)], 0);
}

/** A1. */
export function actionId(decision: string, step: number, attempt: number): string {
  const which = attempt === 1 ? `${decision}\0${step}` : `${decision}\0${step}\0${attempt}`;
  return hash('sha256', which).slice(0, 32);
}

function validUntilOf({ validForMs, urgency }: CompiledRule, at: number, around: GateContext): number | null {
  const ms = validForMs ?? around.validForMs?.[urgency] ?? Number.POSITIVE_INFINITY;
  return Number.isFinite(ms) ? at + ms : null;
}

export function devicesFor(channel: string, sections: Sections, { channels }: GateContext): readonly Device[] {
  if (channels.get(channel)?.usesDevices !== true) return [];
  return devicesOf(sections).map(({ device }) => device);
}

/** What templates see of the match. */
function shownTo(match: Match, scope: Scope, digest: DigestContents | null): JsonObject {
  const captures = Object.entries(match.captures).map(([name, captured]) => [name, jsonOfValue(captured)]);
  const event = match.event === null ? {} : { event: match.event.toJson() };
  const gathered = digest === null ? {} : { items: digest.items, more: Number(digest.more) };
  return { ...event, ...Object.fromEntries(captures), profile: scope.profile, ...gathered };
}
