import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../kit.ts';

const { ruleSet } = check(
  `
id: c
when: { event: [buy, view] }
---
id: a
when: { event: "*" }
---
id: b
when: { absence: { after: { event: add }, of: [buy, { event: remove }], within: 1h } }
---
id: d
entity: device
when: { event: ping }
---
id: e
when: { inactive: { for: 1d } }
`,
  { entities: ['device'] },
);

function ids(entity: string, lane: 'arrival' | 'event-time', name: string): string[] {
  return ruleSet.interested(entity, lane, name).map((rule) => rule.id);
}

test('an event finds the rules that care, by entity and lane, in order of id', () => {
  assert.deepEqual(ids('user', 'arrival', 'buy'), ['a', 'c']);
  assert.deepEqual(ids('user', 'event-time', 'buy'), ['b', 'e']);
  assert.deepEqual(ids('user', 'event-time', 'add'), ['b', 'e']);
  assert.deepEqual(ids('device', 'arrival', 'ping'), ['d']);
});

test('a name that no rule mentions finds those for every event, always the same list', () => {
  assert.deepEqual(ids('user', 'arrival', 'scroll'), ['a']);
  assert.equal(ruleSet.interested('user', 'arrival', 'x'), ruleSet.interested('user', 'arrival', 'y'));
  assert.deepEqual(ids('user', 'event-time', 'scroll'), ['e']);
});

test('what no rule is about finds nothing', () => {
  assert.deepEqual(ids('device', 'event-time', 'ping'), []);
  assert.deepEqual(ids('ticket', 'arrival', 'ping'), []);
  assert.deepEqual(ids('device', 'arrival', 'toString'), []);
});

test('rules are found by id and listed in order of it', () => {
  assert.equal(ruleSet.rule('b')?.id, 'b');
  assert.equal(ruleSet.rule('z'), undefined);
  assert.deepEqual(
    ruleSet.rules.map((rule) => rule.id),
    ['a', 'b', 'c', 'd', 'e'],
  );
});
