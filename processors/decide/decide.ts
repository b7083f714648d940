// Candidates to decisions and actions: competition, gates, records with deterministic ids.
//
// Invariants:
//   K1. Ids are a hash of rule, entity and match (for actions: and step): the same in every run and replay.
//   K2. Candidates made by the same event or by timers due at the same time go by priority, then urgency, then rule id.
//   K3. Every candidate leaves a decision record: fired, suppressed with its reason, deferred or for review (I2). One that
//       waits for a score leaves it when the score is there.

import { hash } from 'node:crypto';
import type { CompiledRule, CompiledSend, ExpressionFailed, Match, RuleSet, Scope, Urgency } from '../../rules/api.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision, EntityRef, Outcome } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { childTraceparent, spanIdOf } from '../../schemas/trace.ts';
import type { EntityDocument, RuleMemory } from '../../state/entity/document.ts';
import { contextOf, entityOfKey } from '../../state/entity/document.ts';
import { hold } from '../evaluate/held.ts';
import type { EntityScope } from '../evaluate/scope.ts';
import { isAsked, missingScores, requestOf, type ScoreRequest } from '../evaluate/scores.ts';
import { sendsChanged } from '../evaluate/segments.ts';
import type { EvaluationTrace } from '../evaluate/trace.ts';
import { rememberForCaps } from './caps.ts';
import { channelsOf, gateHistoryMs, type Verdict, verdictOn } from './gates.ts';

/** Fired decisions kept per rule and entity; beyond it the oldest goes and is counted. */
const FIRED_MAX = 10_000;
/** Sends kept per entity for sent(...). */
const SENT_MAX = 1_000;

const URGENCY_RANK: Readonly<Record<Urgency, number>> = { critical: 0, operational: 1, marketing: 2 };

export interface FoundMatch {
  readonly rule: CompiledRule;
  readonly match: Match;
}

/** Traceparents of the event that completed the match, and of what follows from the decision on it. */
export interface DecisionTrace {
  readonly parent: string;
  readonly own: string;
}

export interface DecideOutput {
  decision(decision: Decision, rule: CompiledRule, trace: DecisionTrace | null): void;
  action(action: Action, trace: DecisionTrace | null): void;
  /** A model is asked beside the task; the answer comes back as an event (scores.ts). */
  ask(request: ScoreRequest): void;
  /** An expression of the rule failed: the condition counts as false. */
  failed(rule: CompiledRule, source: string, error: unknown): void;
  dropped(rule: CompiledRule, what: string): void;
  /** Event time up to which everything of the entity has been evaluated, ms. */
  settledTime(document: EntityDocument): number;
  readonly trace: EvaluationTrace | null;
}

/** Decides on candidates that compete. */
export function decide(
  key: string,
  document: EntityDocument,
  found: FoundMatch[],
  scope: EntityScope,
  rules: RuleSet,
  output: DecideOutput,
): void {
  const sentHistoryMs = rules.needs(entityTypeOf(key)).sentMs;
  if (found.length > 1) found.sort(compareCandidates);
  const entity = entityOfKey(key);
  for (const { rule, match } of found) {
    const failed: ExpressionFailed = (source, error) => output.failed(rule, source, error);
    scope.enter(document, rule.lane === 'arrival', rules);
    scope.event = match.event;
    scope.captures = match.captures;
    scope.now = match.at;
    scope.session = match.session ?? null;
    if (waitsForScore(rule, match, entity, document, scope, rules, output, failed)) continue;
    const memory = memoryOf(document, rule.id);
    const cooldownKey = keyOf(rule, scope, failed);
    const { context } = document;
    const { surroundings } = rules;
    const candidate = { rule, match, cooldownKey, entityKey: key, memory, context, surroundings };
    const verdict = verdictOn(candidate, scope, failed);
    const decision: Decision = {
      id: hash('sha256', [rule.id, entity.type, entity.id, match.at, ...match.events].join('\0')).slice(0, 32),
      rule: rule.id,
      ruleVersion: rule.version,
      entity,
      at: match.at,
      outcome: outcomeOf(verdict, rule, match, document, output),
      reason: verdict.reason,
      events: match.events,
      values: valuesOf(rule, scope),
      variant: null,
      flow: null,
      step: 0,
    };
    const parent = match.event?.traceparent ?? null;
    const trace = parent === null ? null : { parent, own: childTraceparent(parent, spanIdOf(decision.id)) };
    output.trace?.decided(decision, candidate, verdict, scope);
    output.decision(decision, rule, trace);
    if (decision.outcome !== 'fired') {
      forgetEmpty(document, memory);
      continue;
    }
    for (const action of actionsOf(decision, rule, verdict.sends, match, scope, failed)) {
      output.action(action, trace);
      if (sentHistoryMs > 0) document.sent = [...document.sent, { channel: action.channel, at: match.at }];
    }
    remember(document, memory, rule, match, cooldownKey, sentHistoryMs, output);
    rememberForCaps(document, surroundings.caps, rule, channelsOf(verdict.sends), match.at);
    takeGroup(document, rule, match.at, Math.min(match.at, output.settledTime(document)));
    sendsChanged(document, rules.segments(entity.type), match.at);
    forgetEmpty(document, memory);
  }
}

/** True when the candidate waits for a model's answer, which is asked for if it is not under way. */
function waitsForScore(
  rule: CompiledRule,
  match: Match,
  entity: EntityRef,
  document: EntityDocument,
  scope: EntityScope,
  rules: RuleSet,
  output: DecideOutput,
  failed: ExpressionFailed,
): boolean {
  if (!rule.enabled) return false;
  const missing = missingScores(rule, rules, document, match.at);
  if (missing.length === 0) return false;
  const unasked = missing.filter((model) => !isAsked(model, rules, document));
  // Where no more may wait, the models' defaults stand in for answers.
  if (!hold(document, rule, match, 'score', Infinity)) {
    output.dropped(rule, 'waiting');
    return false;
  }
  for (const model of unasked) output.ask(requestOf(model, entity, scope, match.at, failed));
  return true;
}

/** What becomes of the candidate; one that waits is kept. Where no more may wait it is suppressed for the same reason. */
function outcomeOf(
  { reason, quietUntil }: Verdict,
  rule: CompiledRule,
  match: Match,
  document: EntityDocument,
  output: DecideOutput,
): Outcome {
  if (reason === null) return 'fired';
  if (reason !== 'quiet-hours' && reason !== 'review') return 'suppressed';
  if (hold(document, rule, match, reason, quietUntil ?? Infinity)) return reason === 'review' ? 'review' : 'deferred';
  output.dropped(rule, 'waiting');
  return 'suppressed';
}

/** What the conditions that were, or would be, asked saw. */
function valuesOf({ audience, condition, review }: CompiledRule, scope: Scope): JsonObject {
  if (audience === null && review === null) return condition?.values(scope) ?? {};
  return { ...audience?.values(scope), ...condition?.values(scope), ...review?.values(scope) };
}

/** Exclusive groups taken lately that are remembered; beyond it the oldest goes, and what is older is then refused. */
const HOLDS_MAX = 64;
/** Arrival rules may meet events this much older than what is settled, and still be held against a group taken then. */
const HOLDS_MS = 3_600_000;

/** A decision without waits begins and ends at its own time. */
function takeGroup(document: EntityDocument, rule: CompiledRule, at: number, settled: number): void {
  if (rule.exclusive === null) return;
  const context = contextOf(document);
  const all = [...context.holds, { group: rule.exclusive, rule: rule.id, from: at, until: at }];
  const surplus = all.length - HOLDS_MAX;
  context.holds = all.filter(({ until }, i) => {
    const keep = until > settled - HOLDS_MS && i >= surplus;
    if (!keep) context.holdsForgotten = Math.max(context.holdsForgotten, until);
    return keep;
  });
}

function entityTypeOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** A rule that remembers nothing has no place in the document. */
function forgetEmpty(document: EntityDocument, memory: RuleMemory): void {
  const isEmpty = memory.fired.length === 0 && memory.instances.length === 0 && memory.forgotten < 0;
  if (isEmpty) document.rules.delete(memory.rule);
}

export function memoryOf(document: EntityDocument, rule: string): RuleMemory {
  let memory = document.rules.get(rule);
  if (memory === undefined) {
    memory = { rule, fired: [], forgotten: -1, instances: [] };
    document.rules.add(memory);
  }
  return memory;
}

function compareCandidates(a: FoundMatch, b: FoundMatch): number {
  return (
    b.rule.priority - a.rule.priority ||
    URGENCY_RANK[a.rule.urgency] - URGENCY_RANK[b.rule.urgency] ||
    (a.rule.id < b.rule.id ? -1 : a.rule.id > b.rule.id ? 1 : 0)
  );
}

/** A key that fails is its own value: such decisions share one cooldown. */
function keyOf(rule: CompiledRule, scope: Scope, failed: ExpressionFailed): string {
  const key = rule.cooldown?.key;
  if (key === undefined || key === null) return '';
  try {
    return String(key.evaluate(scope));
  } catch (error) {
    failed(key.source, error);
    return '';
  }
}

function actionsOf(
  decision: Decision,
  rule: CompiledRule,
  sends: readonly CompiledSend[],
  match: Match,
  scope: EntityScope,
  failed: ExpressionFailed,
): Action[] {
  const entity: EntityRef = decision.entity;
  return sends.map((send) => ({
    id: hash('sha256', `${decision.id}\0${send.step}`).slice(0, 32),
    decision: decision.id,
    rule: rule.id,
    ruleVersion: rule.version,
    entity,
    at: decision.at,
    channel: send.channel,
    fallback: send.fallback,
    template: send.template,
    urgency: rule.urgency,
    category: rule.category,
    variant: null,
    flow: null,
    step: send.step,
    data: send.data(scope, failed),
    context: shownTo(match, scope),
  }));
}

/** What templates see of the match. */
function shownTo(match: Match, scope: EntityScope): JsonObject {
  const captures = Object.entries(match.captures).map(([name, captured]) => [name, jsonOfValue(captured)]);
  const event = match.event === null ? {} : { event: match.event.toJson() };
  return { ...event, ...Object.fromEntries(captures), profile: scope.profile };
}

/** Notes the fired decision and forgets what no gate or expression can ask for any more. */
function remember(
  document: EntityDocument,
  memory: RuleMemory,
  rule: CompiledRule,
  match: Match,
  key: string,
  sentHistoryMs: number,
  output: DecideOutput,
): void {
  const historyMs = gateHistoryMs(rule);
  if (historyMs > 0) {
    memory.fired.push({ key, at: match.at });
    const keepFrom = keepFromOf(match, historyMs, rule);
    const surplus = memory.fired.length - FIRED_MAX;
    memory.fired = memory.fired.filter(({ at }, i) => {
      const keep = at > keepFrom && i >= surplus;
      if (!keep) memory.forgotten = Math.max(memory.forgotten, at);
      return keep;
    });
    if (surplus > 0) output.dropped(rule, 'fired');
  }
  if (sentHistoryMs > 0) {
    const keepFrom = keepFromOf(match, sentHistoryMs, rule);
    document.sent = document.sent.filter(({ at }) => at > keepFrom).slice(-SENT_MAX);
  }
}

/** Long enough for candidates that come out of order of time, and twice as long as asked for those even later. */
function keepFromOf(match: Match, historyMs: number, rule: CompiledRule): number {
  return match.at - historyMs - Math.max(historyMs, rule.reorderMs);
}
