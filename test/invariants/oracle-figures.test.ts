// The patterns over figures, dates, sessions and other patterns decide as the oracle does: under Replay, and through
// crashes, lost disks and lag.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideByEngine, decisionOf } from '../oracle/engine.ts';
import { decide, type OracleDecision, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';
import { byOf, hasDeadline, laneOf } from '../oracle/rule.ts';
import {
  FIGURE_PATTERNS,
  orderedEvents,
  type Pattern,
  rules,
  rulesText,
  shuffledWithin,
  withoutOpenTies,
} from '../property/generators.ts';
import { anyAct, DEDUPE, decisionsOf, OUT_OF_ORDERNESS_MS, play } from './live.ts';
import { oneSource, type Plan, plans, sending } from './plans.ts';
import { holds } from './property.ts';

/** Deadlines in arrival order depend on when each was due while reading: the oracle has them over ordered input only. */
function isModelled(rule: OracleRule, shuffled: boolean): boolean {
  return !shuffled || laneOf(rule) === 'event-time' || !hasDeadline(rule);
}

/**
 * Deadlines of one rule at one time for several values of `by` come in an order that rules.md leaves open: where gates
 * would make a difference of it, the rule goes without.
 */
function withoutOpenGates(rule: OracleRule): OracleRule {
  if (byOf(rule) === undefined || !hasDeadline(rule)) return rule;
  const { cooldown: _cooldown, limit: _limit, ...rest } = rule;
  return rest;
}

function inOneOrder(decisions: readonly OracleDecision[]): OracleDecision[] {
  const key = ({ at, entity, rule, events }: OracleDecision): string => [at, entity, rule, ...events].join(' ');
  return [...decisions].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

const questionsOf = (pattern: Pattern) =>
  fc
    .record({
      shuffled: fc.boolean(),
      rules: rules(3, { patterns: [pattern] }),
      events: orderedEvents({ eventsMax: 50, usersMax: 2, dates: true }),
      outOfOrdernessMs: fc.constantFrom(10_000, 60_000, 0),
      restMs: fc.constantFrom(0, 30_000, 3_600_000),
    })
    .map((one) => ({ ...one, rules: one.rules.filter((rule) => isModelled(rule, one.shuffled)).map(withoutOpenGates) }))
    .filter((one) => one.rules.length > 0)
    .chain(({ events, shuffled, ...rest }) => {
      const unambiguous = withoutOpenTies(rest.rules, events);
      const arrived: fc.Arbitrary<OracleEvent[]> = shuffled
        ? shuffledWithin(unambiguous, rest.outOfOrdernessMs)
        : fc.constant(unambiguous);
      return arrived.map((events) => ({ ...rest, events }));
    });

for (const pattern of FIGURE_PATTERNS) {
  holds(`the engine decides as the oracle does: ${pattern}`, 60, questionsOf(pattern), async (question) => {
    const { rules, events, restMs, outOfOrdernessMs } = question;
    const endOfTime = Math.max(0, ...events.map((event) => event.time)) + restMs;
    const options = { events, endOfTime, outOfOrdernessMs, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
    const expected = decide({ ...options, rules });
    const answer = await decideByEngine(rulesText(rules), options);
    assert.deepEqual(inOneOrder(answer.decisions), inOneOrder(expected.decisions));
    assert.deepEqual(answer.late, expected.late);
  });
}

holds(
  'with crashes, lag and lost disks, each match of these patterns is one decision, as the oracle has it (I2)',
  40,
  plans({
    rules: { patterns: [...FIGURE_PATTERNS], order: 'event-time' },
    stream: { dates: true, usersMax: 2 },
    act: anyAct,
    shuffle: 'within',
    shape: oneSource,
  }),
  async (plan: Plan) => {
    const { events } = plan;
    const rules = plan.rules.map(withoutOpenGates);
    const finished = await play(sending({ ...plan, rules }));
    const { endOfTime } = finished;
    const expected = decide({ rules, events, endOfTime, outOfOrdernessMs: OUT_OF_ORDERNESS_MS, ...DEDUPE });
    const decisions = await decisionsOf(finished);
    assert.deepEqual(inOneOrder(decisions.map(decisionOf)), inOneOrder(expected.decisions));
    await finished.driver.close();
  },
);
