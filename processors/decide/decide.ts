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
import { type Candidate, isChannelGate, REFUSED, type Refusal } from '../../rules/gates/gate.ts';
import { BEFORE_FLOWS } from '../../rules/gates/index.ts';
import { heldMatchOf } from '../../rules/patterns/held-match.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import { type CompiledRule, compareRules } from '../../rules/project/compiled-rule.ts';
import type { Decision, EntityRef, Outcome } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { childTraceparent, spanIdOf } from '../../schemas/trace.ts';
import { type HeldReason, type HeldReview, heldCandidates } from '../../state/entity/candidates.ts';
import { isEmptyMemory } from '../../state/entity/rule-memories.ts';
import { addWait } from '../../state/entity/waits.ts';
import { type Gathering, gatheredSendOf } from './digest.ts';
import { rememberFired } from './fired.ts';
import { begin, walkAtMatch, watchGoal } from './flows/begin.ts';
import { knownFlows } from './flows/known.ts';
import { waitsForFlows } from './flows/order.ts';
import type { FlowRun } from './flows/run.ts';
import type { FoundMatch } from './found-match.ts';
import { isAsked, missingScores, requestOf } from './scores.ts';
import { recipientOf } from './sending.ts';
import type { DecisionTrace, Visit } from './visit.ts';

/** A candidate with all that is needed to make it a decision. */
export interface Deciding extends Candidate {
  readonly id: string;
  readonly rule: CompiledRule;
  readonly reviewed: HeldReview | null;
  /** Its first steps, walked when somebody asks. */
  run(): FlowRun;
  /** Sends that wait in a digest if it fires. */
  readonly gathered: readonly Gathering[];
  /** Of sends that were asked. */
  passedOver(): Decision['passedOver'];
}

/** What the gates said; `reason` null: it fires. */
export interface Verdict {
  readonly reason: string | null;
  readonly refusal: Refusal | null;
}

/** Decides on candidates that compete. */
export function decide(visit: Visit, found: FoundMatch[]): void {
  if (found.length > 1) found.sort((a, b) => compareRules(a.rule, b.rule));
  for (const one of found) decideOn(visit, one);
}

function decideOn(visit: Visit, found: FoundMatch): void {
  const { document, output } = visit;
  const { rule } = found;
  const failed: ExpressionFailed = (source, error) => output.failed(rule, source, error);
  const scope = scopeOf(visit, found);
  if (waitsForScore(visit, found, scope, failed)) return;
  const memory = document.rules.of(rule.id);
  const candidate = candidateOf(visit, found, scope, failed);
  const verdict = verdictOn(candidate);
  // Of what is refused whatever flows there are, nobody waits.
  if (BEFORE_FLOWS.has(verdict.reason ?? '') || !waitsForFlows(visit, found)) record(visit, candidate, verdict);
  if (isEmptyMemory(memory)) document.rules.delete(rule.id);
}

/** A candidate that waited is not asked about any more: the decision says why. */
export function refuse(visit: Visit, found: FoundMatch, reason: string): void {
  const { rule } = found;
  const failed: ExpressionFailed = (source, error) => visit.output.failed(rule, source, error);
  const scope = scopeOf(visit, found);
  const memory = visit.document.rules.of(rule.id);
  record(visit, candidateOf(visit, found, scope, failed), { reason, refusal: REFUSED });
  if (isEmptyMemory(memory)) visit.document.rules.delete(rule.id);
}

function scopeOf(visit: Visit, { rule, match, isItsTurn }: FoundMatch): Scope {
  const scope = visit.scopeOf(isItsTurn === true ? 'event-time' : rule.lane);
  scope.event = match.event;
  scope.captures = match.captures;
  scope.now = match.at;
  scope.session = match.session ?? null;
  return scope;
}

function record(visit: Visit, candidate: Deciding, verdict: Verdict): void {
  const { output } = visit;
  const { rule, match } = candidate;
  const decision = decisionOf(visit, candidate, verdict);
  const trace = traceOf(decision, match);
  output.trace?.decided(decision, rule, candidate);
  output.decision(decision, rule, trace);
  if (decision.outcome === 'fired') fire(visit, candidate, trace);
  else if (HELD_OUT.has(verdict.reason ?? ''))
    watchGoal(visit, { ...candidate, matchedAt: match.at, edited: null, isSettled: true });
}

/** Null: the event that completed the match has none. */
export function traceOf({ id }: Decision, { event }: Match): DecisionTrace | null {
  const parent = event?.traceparent ?? null;
  return parent === null ? null : { parent, own: childTraceparent(parent, spanIdOf(id)) };
}

/** Reasons for which somebody is left alone to be compared with. */
const HELD_OUT: ReadonlySet<string> = new Set(['holdout', 'global-holdout']);

function candidateOf(visit: Visit, found: FoundMatch, scope: Scope, failed: ExpressionFailed): Deciding {
  const { rule, match, by, reviewed, isSettled, matchedAt = match.at } = found;
  const { key, document, rules, entity } = visit;
  const recipient = recipientOf(rule, document, rules.context, scope, failed);
  const id = decisionId(rule.id, entity, match);
  let walked: FlowRun | null = null;
  const run = () =>
    (walked ??= walkAtMatch(
      visit,
      { id, rule, match, matchedAt, by, isSettled, edited: reviewed?.data ?? null },
      scope,
      failed,
    ));
  return {
    ...recipient,
    id,
    rule,
    match,
    by,
    entityKey: key,
    fired: document.rules.of(rule.id),
    firedKey: firedKeyOf(rule, scope, failed),
    flows: knownFlows(document.sections, rules),
    wallTime: visit.wallTime(),
    reviewed: reviewed ?? null,
    run,
    passedOver: () => walked?.routes.flatMap((route) => route.passedOver) ?? [],
    get routes() {
      return run().routes;
    },
    get gathered() {
      return run().gathered;
    },
  };
}

/** K1. */
export function decisionId(
  rule: string,
  { type, id }: EntityRef,
  { at, events }: Pick<Match, 'at' | 'events'>,
): string {
  return hash('sha256', [rule, type, id, at, ...events].join('\0')).slice(0, 32);
}

/**
 * What the gates of its rule say of a candidate: the first that refuses is the reason. Channel gates refuse it where they leave
 * none of the sends at the match a way.
 */
export function verdictOn(
  candidate: Candidate & { readonly rule: Pick<CompiledRule, 'gates'>; readonly gathered?: readonly Gathering[] },
): Verdict {
  const { gates } = candidate.rule;
  let routesAsked = false;
  for (const gate of gates) {
    if (isChannelGate(gate)) {
      if (routesAsked) continue;
      routesAsked = true;
      const { routes } = candidate;
      // What is gathered is asked when it goes out.
      const mayGoLater = (candidate.gathered?.length ?? 0) > 0;
      if (!mayGoLater && routes.length > 0 && routes.every(({ channels }) => channels.length === 0)) {
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
  const { id, rule, match } = candidate;
  const { entity } = visit;
  const gathered = verdict.refusal === null ? candidate.run().gathered : [];
  return {
    id,
    rule: rule.id,
    ruleVersion: rule.version,
    entity,
    at: match.at,
    outcome: outcomeOf(visit, candidate, verdict),
    reason: verdict.reason,
    events: match.events,
    values: valuesOf(candidate),
    variant: null,
    flow: null,
    step: 0,
    passedOver: candidate.passedOver(),
    gathered: gathered.map((one) => gatheredSendOf(one, { id, at: match.at })),
    digest: null,
  };
}

/** What becomes of the candidate; one that waits is kept. Where no more may wait it is suppressed for the same reason. */
function outcomeOf(
  { document, output }: Visit,
  { rule, match, by, reviewed }: Deciding,
  { reason, refusal }: Verdict,
): Outcome {
  if (refusal === null) return 'fired';
  const { until } = refusal;
  if (until === null) return 'suppressed';
  const kind = heldCandidates[reason as HeldReason];
  assert(kind !== undefined, `candidates do not wait for "${reason}"`);
  if (
    addWait(document.sections, kind, {
      rule: rule.id,
      due: until,
      value: { match: heldMatchOf(match), by, reviewed: reviewed ?? undefined },
    })
  ) {
    return reason === 'review' ? 'review' : 'deferred';
  }
  output.dropped(rule, 'waiting');
  return 'suppressed';
}

function fire(visit: Visit, candidate: Deciding, trace: DecisionTrace | null): void {
  const { document, output } = visit;
  const { rule, match } = candidate;
  const run = candidate.run();
  if (!rememberFired(document.rules.of(rule.id), rule, match, candidate.firedKey)) output.dropped(rule, 'fired');
  const settled = Math.min(match.at, visit.settledTime());
  for (const gate of rule.gates) if (!isChannelGate(gate)) gate.fired?.(candidate, settled);
  begin(visit, run, trace);
  visit.sent(match.at);
}

/** True when the candidate waits for a model's answer, which is asked for if it is not under way. */
function waitsForScore(
  { entity, document, rules, output }: Visit,
  { rule, match, by, reviewed }: FoundMatch,
  scope: Scope,
  failed: ExpressionFailed,
): boolean {
  if (!rule.enabled) return false;
  const missing = missingScores(rule, rules, document, match.at);
  if (missing.length === 0) return false;
  const unasked = missing.filter((model) => !isAsked(model, rules, document));
  // Where no more may wait, the models' defaults stand in for answers.
  const wait = { rule: rule.id, due: Infinity, value: { match: heldMatchOf(match), by, reviewed } };
  if (!addWait(document.sections, heldCandidates.score, wait)) {
    output.dropped(rule, 'waiting');
    return false;
  }
  for (const model of unasked) output.ask(requestOf(model, entity, scope, failed));
  return true;
}

/** What the conditions that were, or would be, asked saw. */
function valuesOf(candidate: Deciding): JsonObject {
  let seen: JsonObject = {};
  for (const gate of candidate.rule.gates) {
    const values = isChannelGate(gate) ? undefined : gate.values?.(candidate);
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
