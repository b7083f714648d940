// The engine under the oracle's questions: the same options in, the same answer out, through the production job (Replay).

import assert from 'node:assert/strict';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { checkRules } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { Replay } from '../../topology/replay.ts';
import type { OracleAnswer, OracleDecision, OracleEvent, OracleLate, OracleOptions } from './oracle.ts';

export type EngineOptions = Omit<OracleOptions, 'rules'>;

/** No event is from the future, and the wall clock never holds stream time back. */
const WALL = Date.UTC(9999, 0, 1);

/** The engine's answer to what the oracle was asked; `duplicates`, and what a bound `dropped`, are counted only. */
export async function decideByEngine(
  rulesText: string,
  options: EngineOptions,
): Promise<Pick<OracleAnswer, 'decisions' | 'late'> & { readonly duplicates: number; readonly dropped: number }> {
  const decisions: OracleDecision[] = [];
  const late: OracleLate[] = [];
  const { outOfOrdernessMs, dedupeWindowMs, dedupeMax } = options;
  const replay = await Replay.open({
    rules: rulesOf(rulesText, outOfOrdernessMs, options.holdouts),
    inputs: [{ format: 'segment', entity: 'user' }],
    store: new MemoryStore(),
    outOfOrdernessMs,
    dedupeWindowMs,
    dedupeMax,
    recordBytesMax: 1_000_000,
    maxClockSkewMs: 0,
    wall: WALL,
    outputs: {
      decisions: (decision) => decisions.push(decisionOf(decision)),
      late: ({ messageId, entity, rules }) => late.push({ messageId, entity: idOf(entity), rules: [...rules] }),
      'dead-letter': ({ reason, message }) => assert.fail(`${reason}: ${message}`),
    },
  });
  await replay.feed(options.events.map(recordOf));
  await replay.complete(options.endOfTime);
  replay.close();
  const { counters } = replay;
  return {
    decisions: sorted(decisions),
    late,
    duplicates: counters.total('duplicate'),
    dropped: counters.total('dropped'),
  };
}

/** Fails the test when the rules have mistakes. */
export function rulesOf(text: string, outOfOrdernessMs: number, holdouts: OracleOptions['holdouts'] = []): RuleSet {
  const context = { holdouts: [{ file: 'holdouts.yaml', text: JSON.stringify(holdouts) }] };
  const options = { outOfOrdernessMs, entities: [], channels: channelTraits({}), context };
  const checked = checkRules([{ file: 'rules.yaml', text }], options);
  assert.deepEqual(checked.errors.map(formatProblem), []);
  return checked.ruleSet;
}

/** The message a source would send for the event. */
export function messageOf(event: OracleEvent): string {
  const { messageId, userId, event: name, time, properties, type = 'track', traits } = event;
  return JSON.stringify({ type, messageId, userId, event: name, timestamp: time, properties, traits });
}

export function decisionOf(decision: Decision): OracleDecision {
  const { rule, entity, at, outcome, reason, events } = decision;
  return { rule, entity: entity.id, at, outcome, reason, events: [...events] } as OracleDecision;
}

/** In the oracle's order: by event time, entity and rule, equal ones as they were made. */
export function sorted(decisions: readonly OracleDecision[]): OracleDecision[] {
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...decisions].sort((a, b) => a.at - b.at || text(a.entity, b.entity) || text(a.rule, b.rule));
}

function recordOf(event: OracleEvent, offset: number): LogRecord {
  return { offset, timestamp: event.time, key: null, value: Buffer.from(messageOf(event)), headers: [] };
}

function idOf(entityKey: string): string {
  return entityKey.slice(entityKey.indexOf('/') + 1);
}
