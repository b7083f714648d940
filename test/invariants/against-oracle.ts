// Comparing the engine with the oracle on rules whose deadlines come in an order that rules.md leaves open.

import assert from 'node:assert/strict';
import { decisionOf } from '../oracle/engine.ts';
import { decide, type OracleDecision, type OracleRule } from '../oracle/oracle.ts';
import { hasDeadline, laneOf } from '../oracle/rule.ts';
import { DEDUPE, decisionsOf, OUT_OF_ORDERNESS_MS, play } from './live.ts';
import { type Plan, sending } from './plans.ts';

/** Deadlines in arrival order depend on when each was due while reading: the oracle has them over ordered input only. */
export function isModelled(rule: OracleRule, shuffled: boolean): boolean {
  return !shuffled || laneOf(rule) === 'event-time' || !hasDeadline(rule);
}

export function withoutGates({ cooldown: _cooldown, limit: _limit, ...rest }: OracleRule): OracleRule {
  return rest;
}

export function inOneOrder(decisions: readonly OracleDecision[]): OracleDecision[] {
  const key = ({ at, entity, rule, events }: OracleDecision): string => [at, entity, rule, ...events].join(' ');
  return [...decisions].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Plays the plan live, with all that happens in it, and expects of it what the oracle says. */
export async function decidesAsOracle(plan: Plan): Promise<void> {
  const { rules, events } = plan;
  const finished = await play(sending(plan));
  const { endOfTime } = finished;
  const expected = decide({ rules, events, endOfTime, outOfOrdernessMs: OUT_OF_ORDERNESS_MS, ...DEDUPE });
  const decisions = await decisionsOf(finished);
  assert.deepEqual(inOneOrder(decisions.map(decisionOf)), inOneOrder(expected.decisions));
  await finished.driver.close();
}
