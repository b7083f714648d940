import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { CASES } from './cases.ts';
import { type Case, decisionLine, parseEvent, START, timeOf } from './notation.ts';
import { decide, type OracleAnswer, type OracleRule } from './oracle.ts';

function parseRules(text: string): OracleRule[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

function run(one: Case): OracleAnswer {
  return decide({
    rules: parseRules(one.rules),
    events: one.events.map(parseEvent),
    endOfTime: timeOf(one.end),
    outOfOrdernessMs: (one.outOfOrderness ?? 5) * 1_000,
    dedupeWindowMs: (one.dedupeWindow ?? 86_400) * 1_000,
    dedupeMax: one.dedupeMax ?? 1_000,
  });
}

describe('the oracle', () => {
  for (const one of CASES) {
    it(one.name, () => {
      const answer = run(one);
      assert.deepEqual(answer.decisions.map(decisionLine), one.expect);
      assert.deepEqual(
        answer.late.map((late) => late.messageId),
        one.late ?? [],
      );
    });
  }

  it('has cases with names of their own', () => {
    assert.equal(new Set(CASES.map((one) => one.name)).size, CASES.length);
  });

  it('names the rules that missed a late event, and the duplicates', () => {
    const answer = run({
      name: '',
      rules: `
{ id: quiet, when: { inactive: { for: 1h } } }
---
{ id: bought, order: event-time, when: { event: buy } }
---
{ id: at-once, when: { event: buy } }`,
      events: ['100 u1 buy m1', '100 u1 buy m1', '500 u2 view m2', '50 u1 buy m3', '60 u1 view m4'],
      end: 500,
      expect: [],
    });
    assert.deepEqual(answer.late, [
      { messageId: 'm3', entity: 'u1', rules: ['bought', 'quiet'] },
      { messageId: 'm4', entity: 'u1', rules: ['quiet'] },
    ]);
    assert.deepEqual(answer.duplicates, ['m1']);
  });

  it('takes one object read twice for a duplicate', () => {
    const event = parseEvent('0 u1 buy m1');
    const rules = parseRules('{ id: bought, order: event-time, when: { event: buy } }');
    const limits = { outOfOrdernessMs: 0, dedupeWindowMs: 1_000, dedupeMax: 10 };
    const answer = decide({ rules, events: [event, event], endOfTime: START, ...limits });
    assert.equal(answer.decisions.length, 1);
  });

  it('names calls other than track by their type', () => {
    const events = [{ ...parseEvent('0 u1 Home m1'), type: 'page' }];
    const rules = parseRules('{ id: paged, when: { event: page } }\n---\n{ id: named, when: { event: Home } }');
    const limits = { outOfOrdernessMs: 0, dedupeWindowMs: 0, dedupeMax: 1 };
    const answer = decide({ rules, events, endOfTime: START, ...limits });
    assert.deepEqual(answer.decisions.map(decisionLine), ['0 u1 paged fired m1']);
  });

  it('refuses what it does not model', () => {
    const limits = { events: [], endOfTime: START, outOfOrdernessMs: 0, dedupeWindowMs: 0, dedupeMax: 1 };
    for (const text of [
      '{ id: a, when: { segment: { enters: vip } } }',
      '{ id: a, when: { event: buy }, holdout: 10% }',
      '{ id: a, when: { count: { event: buy, atLeast: 1, within: 60s, per: 3 } } }',
    ]) {
      assert.throws(() => decide({ rules: parseRules(text), ...limits }), /does not model/);
    }
  });

  it('refuses arrival deadlines over events out of order', () => {
    const rules = parseRules('{ id: quiet, order: arrival, when: { inactive: { for: 60s } } }');
    const events = ['10 u1 buy m1', '0 u1 buy m2'].map(parseEvent);
    const limits = { outOfOrdernessMs: 5_000, dedupeWindowMs: 0, dedupeMax: 1 };
    assert.throws(() => decide({ rules, events, endOfTime: START, ...limits }), /does not model/);
  });
});
