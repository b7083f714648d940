// The engine under Replay decides as the oracle does, on events in order, shuffled within outOfOrderness and beyond it.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideByEngine } from '../oracle/engine.ts';
import { decide, type OracleEvent, type OracleHoldout, type OracleRule } from '../oracle/oracle.ts';
import { laneOf } from '../oracle/rule.ts';
import {
  orderedEvents,
  rules,
  rulesText,
  shuffledBeyond,
  shuffledWithin,
  withoutOpenTies,
} from '../property/generators.ts';
import { holds } from './property.ts';

const orders = fc.constantFrom('none', 'within', 'beyond');
type Order = 'none' | 'within' | 'beyond';

function arrived(events: OracleEvent[], order: Order, outOfOrdernessMs: number): fc.Arbitrary<OracleEvent[]> {
  if (order === 'none') return fc.constant(events);
  return (order === 'within' ? shuffledWithin : shuffledBeyond)(events, outOfOrdernessMs);
}

/**
 * Whether the engine, which keeps a bounded memory, may differ from the oracle, which keeps all, over events that come
 * later than outOfOrderness: a count in arrival order completes nothing then (rules/patterns/count/at-least.ts, K3), and a
 * candidate behind what its gates remember is refused (rules/gates/gate.ts, G2).
 */
function isBounded(rule: OracleRule): boolean {
  if (laneOf(rule) === 'event-time') return false;
  return 'count' in rule.when || rule.limit !== undefined || typeof rule.cooldown === 'object';
}

const questions = fc
  .record({
    order: orders,
    rules: rules(4),
    events: orderedEvents({ eventsMax: 60 }),
    outOfOrdernessMs: fc.constantFrom(10_000, 60_000, 0),
    restMs: fc.constantFrom(0, 30_000, 3_600_000),
    dedupeWindowMs: fc.constantFrom(86_400_000, 40_000, 0),
    dedupeMax: fc.constantFrom(1_000, 3, 1),
    holdouts: fc.constantFrom<OracleHoldout[]>([], [{ group: 'all', share: '60%', exempt: ['news'] }]),
  })
  .map((one) => ({ ...one, rules: one.rules.map((rule, i) => (i % 2 === 0 ? rule : { ...rule, category: 'news' })) }))
  .map((one) => (one.order === 'beyond' ? { ...one, rules: one.rules.filter((rule) => !isBounded(rule)) } : one))
  .filter((one) => one.rules.length > 0)
  .chain(({ events, order, ...rest }) => {
    const unambiguous = withoutOpenTies(rest.rules, events);
    return arrived(unambiguous, order, rest.outOfOrdernessMs).map((events) => ({ ...rest, events }));
  });

holds('the engine decides, and misses late events, as the oracle does', 300, questions, async (question) => {
  const { rules, restMs, ...limits } = question;
  const endOfTime = Math.max(0, ...limits.events.map((event) => event.time)) + restMs;
  const options = { ...limits, endOfTime };
  const expected = decide({ ...options, rules });
  const answer = await decideByEngine(rulesText(rules), options);
  assert.deepEqual(answer.decisions, expected.decisions);
  assert.deepEqual(answer.late, expected.late);
  assert.equal(answer.duplicates, expected.duplicates.length);
});
