// The actions of a fired decision: one for each route that leads somewhere, to its first channel.
//
// Invariants:
//   A1. An action's id is a hash of decision and step: the same in every run and replay.

import { hash } from 'node:crypto';
import type { ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import type { Route } from '../../rules/gates/route.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';

export interface FiredCandidate {
  readonly rule: CompiledRule;
  readonly match: Match;
  readonly routes: readonly Route<CompiledSend>[];
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
}

export function actionsOf(decision: Decision, { rule, match, routes, scope, failed }: FiredCandidate): Action[] {
  return routes.flatMap(({ send, channels: [channel, ...fallback] }) =>
    channel === undefined
      ? []
      : {
          id: hash('sha256', `${decision.id}\0${send.step}`).slice(0, 32),
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
          validUntil: null,
          ratePerSecond: null,
          devices: [],
          data: send.data(scope, failed),
          context: shownTo(match, scope),
        },
  );
}

/** What templates see of the match. */
function shownTo(match: Match, scope: Scope): JsonObject {
  const captures = Object.entries(match.captures).map(([name, captured]) => [name, jsonOfValue(captured)]);
  const event = match.event === null ? {} : { event: match.event.toJson() };
  return { ...event, ...Object.fromEntries(captures), profile: scope.profile };
}
