// Candidates to decisions: competition, gates, records with deterministic ids.
//
// Owns: the order of candidates, what becomes of each. Does not own: what a gate asks (rules/gates), actions (actions.ts), what is
// remembered of those that fired (fired.ts), scores (scores.ts).
//
// Invariants:
//   K1. Ids are a hash of rule, entity and match: the same in every run and replay.
//   K2. Candidates made by the same event or by timers due at the same time go by priority, then urgency, then rule id.
//   K3. Every candidate leaves a decision record: fired, suppressed with its reason, deferred or for review (I2). One that
//       waits for a score leaves it when the score is there.

import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import { type Candidate, isChannelGate, REFUSED, type Refusal } from '../../rules/gates/gate.ts';
import type { Route } from '../../rules/gates/route.ts';
import type { Urgency } from '../../rules/gates/urgency.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Decision, Outcome } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { childTraceparent, spanIdOf } from '../../schemas/trace.ts';
import { type HeldReason, heldMatches, heldMatchOf } from '../../state/entity/candidates.ts';
import { isEmptyMemory } from '../../state/entity/rule-memories.ts';
import { addWait } from '../../state/entity/waits.ts';
import { actionsOf } from './actions.ts';
import { sendOnRoute } from './fallback.ts';
import { rememberFired, rememberSent } from './fired.ts';
import { isAsked, missingScores, requestOf } from './scores.ts';
import { noteSent, recipientOf, routeOf, settleRoutes } from './sending.ts';
import type { DecisionTrace, Visit } from './visit.ts';

const URGENCY_RANK: Readonly<Record<Urgency, number>> = { critical: 0, operational: 1, marketing: 2 };

export interface FoundMatch {
  readonly rule: CompiledRule;
  readonly match: Match;
}

/** A candidate with all that is needed to make it a decision. */
interface Deciding extends Candidate {
  readonly rule: CompiledRule;
  readonly routes: readonly Route<CompiledSend>[];
}

/** What the gates said; `reason` null: it fires. */
export interface Verdict {
  readonly reason: string | null;
  readonly refusal: Refusal | null;
}

/** Decides on candidates that compete. */
export function decide(visit: Visit, found: FoundMatch[]): void {
  if (found.length > 1) found.sort(compareCandidates);
  for (const one of found) decideOn(visit, one);
}

function decideOn(visit: Visit, { rule, match }: FoundMatch): void {
  const { document, output } = visit;
  const failed: ExpressionFailed = (source, error) => output.failed(rule, source, error);
  const scope = visit.scopeOf(rule.lane);
  scope.event = match.event;
  scope.captures = match.captures;
  scope.now = match.at;
  scope.session = match.session ?? null;
  if (waitsForScore(visit, { rule, match }, scope, failed)) return;
  const memory = document.rules.of(rule.id);
  const candidate = candidateOf(visit, { rule, match }, scope, failed);
  const verdict = verdictOn(candidate);
  const decision = decisionOf(visit, candidate, verdict);
  const parent = match.event?.traceparent ?? null;
  const trace = parent === null ? null : { parent, own: childTraceparent(parent, spanIdOf(decision.id)) };
  output.trace?.decided(decision, rule, candidate);
  output.decision(decision, rule, trace);
  if (decision.outcome === 'fired') fire(visit, decision, candidate, trace);
  if (isEmptyMemory(memory)) document.rules.delete(rule.id);
}

function candidateOf(visit: Visit, { rule, match }: FoundMatch, scope: Scope, failed: ExpressionFailed): Deciding {
  const { key, document, rules } = visit;
  const recipient = recipientOf(rule, document, rules.context, scope, failed);
  return {
    ...recipient,
    rule,
    match,
    entityKey: key,
    fired: document.rules.of(rule.id),
    firedKey: firedKeyOf(rule, scope, failed),
    wallTime: visit.wallTime(),
    routes: rule.sends.map((send) => routeOf(send, recipient)),
  };
}

/**
 * What the gates of its rule say of a candidate: the first that refuses is the reason. Channel gates refuse it where they leave
 * none of its sends a way.
 */
export function verdictOn(candidate: Candidate & { readonly rule: Pick<CompiledRule, 'gates'> }): Verdict {
  const { gates } = candidate.rule;
  let routesAsked = false;
  for (const gate of gates) {
    if (isChannelGate(gate)) {
      if (routesAsked) continue;
      routesAsked = true;
      const { routes } = candidate;
      settleRoutes(routes, gates, candidate, candidate.match.at);
      if (routes.length > 0 && routes.every(({ channels }) => channels.length === 0)) {
        return { reason: routes[0]!.refusedBy, refusal: REFUSED };
      }
      continue;
    }
    if (gate.isAsked?.(candidate) === false) continue;
    const refusal = gate.refusal(candidate);
    if (refusal !== null) return { reason: gate.reason, refusal };
  }
  return { reason: null, refusal: null };
}

function decisionOf(visit: Visit, candidate: Deciding, verdict: Verdict): Decision {
  const { rule, match, scope, routes } = candidate;
  const { entity } = visit;
  return {
    id: hash('sha256', [rule.id, entity.type, entity.id, match.at, ...match.events].join('\0')).slice(0, 32),
    rule: rule.id,
    ruleVersion: rule.version,
    entity,
    at: match.at,
    outcome: outcomeOf(visit, candidate, verdict),
    reason: verdict.reason,
    events: match.events,
    values: valuesOf(rule, scope),
    variant: null,
    flow: null,
    step: 0,
    passedOver: routes.flatMap((route) => route.passedOver),
  };
}

/** What becomes of the candidate; one that waits is kept. Where no more may wait it is suppressed for the same reason. */
function outcomeOf({ document, output }: Visit, { rule, match }: Deciding, { reason, refusal }: Verdict): Outcome {
  if (refusal === null) return 'fired';
  const { until } = refusal;
  if (until === null) return 'suppressed';
  const kind = heldMatches[reason as HeldReason];
  assert(kind !== undefined, `candidates do not wait for "${reason}"`);
  if (addWait(document.sections, kind, { rule: rule.id, due: until, value: heldMatchOf(match) })) {
    return until === Infinity ? 'review' : 'deferred';
  }
  output.dropped(rule, 'waiting');
  return 'suppressed';
}

function fire(visit: Visit, decision: Decision, candidate: Deciding, trace: DecisionTrace | null): void {
  const { document, output, entity, rules } = visit;
  const { rule, match } = candidate;
  const actions = actionsOf(decision, candidate);
  for (const action of actions) {
    noteSent(rule.gates, { ...candidate, at: match.at, before: [] }, action.channel);
    sendOnRoute(visit, rule, action, trace);
  }
  const sentHistoryMs = rules.needs(entity.type).sentMs;
  rememberSent(
    document,
    actions.map(({ channel }) => channel),
    { match, rule, historyMs: sentHistoryMs },
  );
  if (!rememberFired(document.rules.of(rule.id), rule, match, candidate.firedKey)) output.dropped(rule, 'fired');
  const settled = Math.min(match.at, visit.settledTime());
  for (const gate of rule.gates) if (!isChannelGate(gate)) gate.fired?.(candidate, settled);
  visit.sent(match.at);
}

/** True when the candidate waits for a model's answer, which is asked for if it is not under way. */
function waitsForScore(
  { entity, document, rules, output }: Visit,
  { rule, match }: FoundMatch,
  scope: Scope,
  failed: ExpressionFailed,
): boolean {
  if (!rule.enabled) return false;
  const missing = missingScores(rule, rules, document, match.at);
  if (missing.length === 0) return false;
  const unasked = missing.filter((model) => !isAsked(model, rules, document));
  // Where no more may wait, the models' defaults stand in for answers.
  const wait = { rule: rule.id, due: Infinity, value: heldMatchOf(match) };
  if (!addWait(document.sections, heldMatches.score, wait)) {
    output.dropped(rule, 'waiting');
    return false;
  }
  for (const model of unasked) output.ask(requestOf(model, entity, scope, failed));
  return true;
}

/** What the conditions that were, or would be, asked saw. */
function valuesOf({ gates }: CompiledRule, scope: Scope): JsonObject {
  let seen: JsonObject = {};
  for (const gate of gates) {
    const values = isChannelGate(gate) ? undefined : gate.values?.(scope);
    if (values !== undefined) seen = { ...seen, ...values };
  }
  return seen;
}

/** A key that fails is its own value: such decisions share one cooldown. */
function firedKeyOf({ firedKey }: CompiledRule, scope: Scope, failed: ExpressionFailed): string {
  if (firedKey === null) return '';
  try {
    return String(firedKey.evaluate(scope));
  } catch (error) {
    failed(firedKey.source, error);
    return '';
  }
}

function compareCandidates(a: FoundMatch, b: FoundMatch): number {
  return (
    b.rule.priority - a.rule.priority ||
    URGENCY_RANK[a.rule.urgency] - URGENCY_RANK[b.rule.urgency] ||
    (a.rule.id < b.rule.id ? -1 : a.rule.id > b.rule.id ? 1 : 0)
  );
}
