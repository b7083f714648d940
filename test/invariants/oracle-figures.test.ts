// The patterns over figures, dates, sessions and other patterns decide as the oracle does: under Replay, and through
// crashes, lost disks and lag.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideByEngine } from '../oracle/engine.ts';
import { decide, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';
import { byOf, hasDeadline } from '../oracle/rule.ts';
import {
  FIGURE_PATTERNS,
  orderedEvents,
  type Pattern,
  rules,
  rulesText,
  shuffledWithin,
  withoutOpenTies,
} from '../property/generators.ts';
import { decidesAsOracle, inOneOrder, isModelled, withoutGates } from './against-oracle.ts';
import { anyAct } from './live.ts';
import { oneSource, type Plan, plans } from './plans.ts';
import { holds } from './property.ts';

/**
 * Deadlines of one rule at one time for several values of `by` come in an order that rules.md leaves open: where gates
 * would make a difference of it, the rule goes without.
 */
function withoutOpenGates(rule: OracleRule): OracleRule {
  return byOf(rule) === undefined || !hasDeadline(rule) ? rule : withoutGates(rule);
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
  (plan: Plan) => decidesAsOracle({ ...plan, rules: plan.rules.map(withoutOpenGates) }),
);
