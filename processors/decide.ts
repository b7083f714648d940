// Candidates to decisions and actions: competition, gates, records with deterministic ids.
//
// Invariants:
//   K1. Ids are a hash of rule, entity and match (for actions: and step): the same in every run and replay.
//   K2. Candidates made by the same event or by timers due at the same time go by priority, then urgency, then rule id.
//   K3. Every candidate leaves a decision record, fired or suppressed with its reason (I2).

import { hash } from 'node:crypto';
import type { CompiledRule, ExpressionFailed, Match, Scope, Urgency } from '../rules/api.ts';
import type { Action } from '../schemas/action.ts';
import type { Decision, EntityRef } from '../schemas/decision.ts';
import type { JsonObject } from '../schemas/json.ts';
import { childTraceparent, spanIdOf } from '../schemas/trace.ts';
import type { EntityDocument, RuleMemory } from '../state/entity-document.ts';
import { entityOfKey } from '../state/entity-document.ts';
import { firstRefusal, gateHistoryMs } from './gates.ts';
import type { EntityScope } from './scope.ts';

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
  /** An expression of the rule failed: the condition counts as false. */
  failed(rule: CompiledRule, source: string, error: unknown): void;
  dropped(rule: CompiledRule, what: string): void;
}

/** Decides on candidates that compete. */
export function decide(
  key: string,
  document: EntityDocument,
  found: FoundMatch[],
  scope: EntityScope,
  sentHistoryMs: number,
  output: DecideOutput,
): void {
  if (found.length > 1) found.sort(compareCandidates);
  const entity = entityOfKey(key);
  for (const { rule, match } of found) {
    const failed: ExpressionFailed = (source, error) => output.failed(rule, source, error);
    scope.enter(document, rule.lane === 'arrival');
    scope.event = match.event;
    scope.captures = match.captures;
    scope.now = match.at;
    const memory = memoryOf(document, rule.id);
    const cooldownKey = keyOf(rule, scope, failed);
    const reason = firstRefusal({ rule, match, cooldownKey }, memory, scope, failed);
    const decision: Decision = {
      id: hash('sha256', [rule.id, entity.type, entity.id, match.at, ...match.events].join('\0')).slice(0, 32),
      rule: rule.id,
      ruleVersion: rule.version,
      entity,
      at: match.at,
      outcome: reason === null ? 'fired' : 'suppressed',
      reason,
      events: match.events,
      values: rule.condition?.values(scope) ?? {},
      variant: null,
      flow: null,
      step: 0,
    };
    const parent = match.event?.traceparent ?? null;
    const trace = parent === null ? null : { parent, own: childTraceparent(parent, spanIdOf(decision.id)) };
    output.decision(decision, rule, trace);
    if (reason !== null) continue;
    for (const action of actionsOf(decision, rule, match, scope, failed)) {
      output.action(action, trace);
      if (sentHistoryMs > 0) document.sent.push({ channel: action.channel, at: match.at });
    }
    remember(document, memory, rule, match, cooldownKey, sentHistoryMs, output);
  }
}

export function memoryOf(document: EntityDocument, rule: string): RuleMemory {
  let memory = document.rules.get(rule);
  if (memory === undefined) {
    memory = { rule, fired: [], forgotten: -1, instances: [] };
    document.rules.set(rule, memory);
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
  match: Match,
  scope: EntityScope,
  failed: ExpressionFailed,
): Action[] {
  const entity: EntityRef = decision.entity;
  return rule.sends.map((send) => ({
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
    context: contextOf(match, scope),
  }));
}

function contextOf(match: Match, scope: EntityScope): JsonObject {
  const captures = Object.entries(match.captures).map(([name, event]) => [name, event.toJson()]);
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
    document.sent = document.sent.filter(({ at }) => at > keepFrom);
    if (document.sent.length > SENT_MAX) document.sent.splice(0, document.sent.length - SENT_MAX);
  }
}

/** Long enough for candidates that come out of order of time, and twice as long as asked for those even later. */
function keepFromOf(match: Match, historyMs: number, rule: CompiledRule): number {
  return match.at - historyMs - Math.max(historyMs, rule.reorderMs);
}
