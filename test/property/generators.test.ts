import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import { decide, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';
import { FIGURE_PATTERNS, orderedEvents, rules, rulesText, shuffledBeyond, shuffledWithin } from './generators.ts';

const OUT_OF_ORDERNESS_MS = 15_000;
const withShuffle = (shuffle: typeof shuffledWithin) =>
  orderedEvents().chain((events) => fc.tuple(fc.constant(events), shuffle(events, OUT_OF_ORDERNESS_MS)));

function decided(rules: readonly OracleRule[], events: readonly OracleEvent[]) {
  const endOfTime = Math.max(0, ...events.map((event) => event.time)) + 3_600_000;
  const limits = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
  return decide({ rules, events, endOfTime, ...limits });
}

it('rules come back from YAML as they were', () => {
  fc.assert(
    fc.property(rules(), (made) => {
      const read = parseAllDocuments(rulesText(made)).map((document) => document.toJS());
      assert.deepEqual(read, made);
    }),
    { numRuns: 200 },
  );
});

it('rules are valid in the rule language', () => {
  const options = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, entities: [], channels: channelTraits({}) };
  fc.assert(
    fc.property(rules(), (made) => {
      const { errors } = checkRules([{ file: 'rules.yaml', text: rulesText(made) }], options);
      assert.deepEqual(errors, []);
    }),
    { numRuns: 200 },
  );
});

it('a shuffle within the bound loses nothing, keeps ties of one entity and stays within the bound', () => {
  fc.assert(
    fc.property(withShuffle(shuffledWithin), ([events, shuffled]) => {
      const ties = (list: readonly OracleEvent[]): object =>
        Object.fromEntries(
          [...Map.groupBy(list, (event) => `${event.userId} ${event.time}`)]
            .map(([tie, members]) => [tie, members.map((event) => event.messageId)] as const)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        );
      assert.deepEqual(ties(shuffled), ties(events));
      let newest = 0;
      for (const event of shuffled) {
        newest = Math.max(newest, event.time);
        assert.ok(newest - event.time <= OUT_OF_ORDERNESS_MS);
      }
    }),
    { numRuns: 200 },
  );
});

it('to the oracle, a shuffle within the bound changes nothing for event-time rules, and makes none late', () => {
  fc.assert(
    fc.property(rules(4, { order: 'event-time' }), withShuffle(shuffledWithin), (made, [events, shuffled]) => {
      const answer = decided(made, shuffled);
      assert.deepEqual(answer.decisions, decided(made, events).decisions);
      assert.deepEqual(answer.late, []);
    }),
    { numRuns: 200 },
  );
});

it('rules and events meet: every outcome, lateness and repeats come up', () => {
  const tallies = new Map<string, number>();
  const tally = (what: string): unknown => tallies.set(what, (tallies.get(what) ?? 0) + 1);
  const sample = fc.sample(fc.tuple(rules(), withShuffle(shuffledBeyond)), { numRuns: 400, seed: 1 });
  for (const [made, [, shuffled]] of sample) {
    const answer = decided(made, shuffled);
    const patternOf = new Map(made.map((one) => [one.id, Object.keys(one.when)]));
    for (const { rule, reason } of answer.decisions) {
      tally(reason ?? 'fired');
      const pattern = ['absence', 'inactive', 'count'].find((name) => patternOf.get(rule)!.includes(name)) ?? 'event';
      tally(`${pattern} ${reason === null ? 'fired' : 'suppressed'}`);
    }
    if (answer.late.length > 0) tally('late');
    if (answer.duplicates.length > 0) tally('duplicates');
  }
  const patterns = ['event', 'absence', 'inactive', 'count'].flatMap((name) => [`${name} fired`, `${name} suppressed`]);
  for (const what of ['disabled', 'condition', 'cooldown', 'limit', 'late', 'duplicates', ...patterns]) {
    assert.ok((tallies.get(what) ?? 0) >= 20, `${what} came up ${tallies.get(what) ?? 0} times`);
  }
});

it('patterns over figures, dates and sessions come up too, fired and suppressed', () => {
  const withDates = orderedEvents({ dates: true, usersMax: 2, eventsMax: 50 });
  for (const pattern of FIGURE_PATTERNS) {
    const tallies = { fired: 0, suppressed: 0 };
    const sample = fc.sample(fc.tuple(rules(3, { patterns: [pattern] }), withDates), { numRuns: 400, seed: 1 });
    for (const [made, events] of sample) {
      for (const { outcome } of decided(made, events).decisions) tallies[outcome]++;
    }
    assert.ok(tallies.fired >= 100 && tallies.suppressed >= 25, `${pattern}: ${JSON.stringify(tallies)}`);
  }
});
