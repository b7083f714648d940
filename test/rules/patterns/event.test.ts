import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, event, PatternRun } from '../kit.ts';

test('an event pattern fires on each event of its name, at its time', () => {
  const run = new PatternRun(compiled('{ id: a, when: { event: signup } }'));
  run.see(event('signup', 5), event('login', 6), event('signup', 7));
  assert.deepEqual(run.times, [5, 7]);
  assert.equal(run.state, null);
});

test('a list of names matches each of them, and "*" all', () => {
  const list = new PatternRun(compiled('{ id: a, when: { event: [a, b] } }'));
  list.see(event('a', 1), event('b', 2), event('c', 3));
  assert.deepEqual(list.times, [1, 2]);
  const all = new PatternRun(compiled('{ id: a, when: { event: "*" } }'));
  all.see(event('a', 1), event('c', 3));
  assert.deepEqual(all.times, [1, 3]);
});

test('the match carries the event, its id and its capture', () => {
  const run = new PatternRun(compiled('{ id: a, when: { event: signup, as: who } }'));
  const signup = event('signup', 5);
  run.see(signup);
  assert.deepEqual(run.matches, [{ at: 5, events: [signup.messageId], captures: { who: signup }, event: signup }]);
});

test('an event whose condition is false or fails does not match; only the failure is reported', () => {
  const run = new PatternRun(compiled(`{ id: a, when: { event: pay, where: 'event.properties.value >= 50' } }`));
  run.see(event('pay', 1, { value: 49.5 }), event('pay', 2, {}), event('pay', 3, { value: 50 }));
  assert.deepEqual(run.times, [3]);
  assert.deepEqual(run.failures, ['event.properties.value >= 50']);
});
