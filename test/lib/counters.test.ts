import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../lib/counters.ts';

test('a counter that was never added to is zero', () => {
  const counters = new Counters();
  assert.equal(counters.total('late'), 0);
  assert.deepEqual([...counters.by('late', 'rule')], []);
});

test('plain counts and those with labels add up to the total', () => {
  const counters = new Counters();
  counters.add('late');
  counters.add('late', { rule: 'a' });
  counters.add('late', { rule: 'a' });
  counters.add('late', { rule: 'b' });
  counters.add('other');
  assert.equal(counters.total('late'), 4);
});

test('counts by one label leave the others out of account', () => {
  const counters = new Counters();
  counters.add('decision', { rule: 'a', outcome: 'fired' });
  counters.add('decision', { rule: 'a', outcome: 'suppressed' });
  counters.add('decision', { rule: 'b', outcome: 'fired' });
  assert.deepEqual(
    [...counters.by('decision', 'rule')],
    [
      ['a', 2],
      ['b', 1],
    ],
  );
  assert.equal(counters.by('decision', 'outcome').get('fired'), 2);
});

test('an amount is added at once', () => {
  const counters = new Counters();
  counters.add('restored', undefined, 3);
  counters.add('restored', { task: 'a' }, 4);
  counters.add('restored', { task: 'a' }, 5);
  assert.equal(counters.total('restored'), 12);
  assert.deepEqual(counters.toJSON(), { restored: 3, 'restored{task=a}': 9 });
});
