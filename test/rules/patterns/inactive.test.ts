import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, event, PatternRun } from '../kit.ts';

const DAY = 86_400_000;

function inactive(fields = ''): PatternRun {
  return new PatternRun(compiled(`{ id: a, when: { inactive: { for: 1d${fields} } } }`));
}

test('silence is reported at the last event + for, once (V1)', () => {
  const last = event('b', 10);
  const run = inactive()
    .seeInOrder(event('a', 0), last)
    .passTo(50 * DAY);
  const match = { at: DAY + 10, events: [last.messageId], times: [10], captures: {}, event: last };
  assert.deepEqual(run.matches, [match]);
});

test('an entity that was never seen is not silent', () => {
  assert.deepEqual(inactive().passTo(50 * DAY).times, []);
});

test('an event stamped with the deadline ends the silence in time (V2)', () => {
  const run = inactive()
    .seeInOrder(event('a', 0), event('a', DAY))
    .passTo(3 * DAY);
  assert.deepEqual(run.times, [2 * DAY]);
});

test('the next event after a reported silence starts another (V1)', () => {
  const run = inactive()
    .seeInOrder(event('a', 0), event('a', 5 * DAY))
    .passTo(50 * DAY);
  assert.deepEqual(run.times, [DAY, 6 * DAY]);
});

test('only such events count as are named and let through', () => {
  const run = inactive(`, event: login, where: 'event.properties.ok == true'`);
  run.seeInOrder(event('login', 0, { ok: true }), event('view', 10), event('login', 20, { ok: false })).passTo(9 * DAY);
  assert.deepEqual(run.times, [DAY]);
});

test('an event that is read before the timer due ahead of it reports the silence, once (V3)', () => {
  const run = inactive()
    .see(event('a', 0), event('a', 3 * DAY))
    .passTo(3 * DAY);
  assert.deepEqual(run.times, [DAY]);
});

test('an event older than the last one changes nothing', () => {
  const run = inactive()
    .see(event('a', 10), event('a', 5))
    .passTo(9 * DAY);
  assert.deepEqual(run.times, [DAY + 10]);
});
