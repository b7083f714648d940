// Events that come behind newer ones, in order of arrival: what each pattern makes of them, to the millisecond. That the
// patterns mean the same in order of event time is for the oracle to say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../../schemas/event.ts';
import { compiled, event, PatternRun } from '../kit.ts';

/** Outside the window of what may still come, by the options of the kit. */
const REORDER_MS = 5_000;
const NEWEST = 100_000;

function run(when: string): PatternRun {
  return new PatternRun(compiled(`{ id: a, order: arrival, when: ${when} }`));
}

const e = (time: number, value: unknown, messageId = `e${time}`): Event =>
  event('e', time, { value: value as number }, { messageId });

function idsOf({ matches }: PatternRun): (readonly string[])[] {
  return matches.map(({ events }) => events);
}

test('at: a moment that is over stays over, though an event stamped before it tells the same date again (D1, D3)', () => {
  const ends = (time: number) => event('e', time, { ends: '1970-01-01T00:00:01Z' });
  const found = run('{ at: { event: e, date: event.properties.ends } }').see(ends(10)).passTo(2_000);
  assert.deepEqual(found.times, [1_000]);
  found.see(ends(20), ends(3_000)).passTo(10_000);
  assert.deepEqual(found.times, [1_000]);
});

test('threshold: a reading behind the newest changes nothing, one of its time does (T3)', () => {
  const found = run('{ threshold: { event: e, value: event.properties.value, above: 5 } }');
  found.see(e(20, 6), e(19, 1), e(21, 7));
  assert.deepEqual(found.times, [20]);
  found.see(e(21, 1), e(21, 8, 'again'));
  assert.deepEqual(idsOf(found), [['e20'], ['again']]);
});

test('inactive: an event behind the last one does not begin the silence anew, and one later than its end reports it (V3)', () => {
  const found = run('{ inactive: { for: 10ms, event: e } }').see(e(20, 1), e(15, 1), e(31, 1));
  assert.deepEqual([found.times, idsOf(found)], [[30], [['e20']]]);
  found.see(e(35, 1), e(33, 1)).passTo(44);
  assert.deepEqual(found.times, [30]);
  found.passTo(45);
  assert.deepEqual(found.times, [30, 45]);
});

for (const [name, when] of [
  ['aggregate', '{ aggregate: { event: e, sum: event.properties.value, above: 10, within: 1h } }'],
  ['count', '{ count: { event: e, atLeast: 2, within: 1h } }'],
  ['count of different values', '{ count: { event: e, distinct: event.properties.value, atLeast: 2, within: 1h } }'],
] as const) {
  test(`${name}: an event as far behind as events may come completes, one further behind does not, and is counted`, () => {
    const late = run(when).see(e(NEWEST, 1), e(NEWEST - REORDER_MS - 2, 2), e(NEWEST - REORDER_MS - 1, 20));
    assert.deepEqual([late.times, late.drops], [[], ['late']]);
    const inTime = run(when).see(e(NEWEST, 1), e(NEWEST - REORDER_MS - 1, 2), e(NEWEST - REORDER_MS, 20));
    assert.deepEqual([inTime.times, inTime.drops], [[NEWEST - REORDER_MS], []]);
  });
}

test('a number of different values that falls: a value is as new as its newest event, in whatever order they come (F3)', () => {
  const found = run('{ count: { event: e, distinct: event.properties.value, atMost: 1, within: 10ms } }');
  found.see(e(20, 'x'), e(21, 'y'), e(12, 'x')).passTo(29);
  assert.deepEqual(found.times, []);
  found.passTo(30);
  assert.deepEqual([found.times, idsOf(found)], [[30], [['e21']]]);
});

test('baseline: an event stamped with the end of a window belongs to it, though the next one has begun (L5)', () => {
  const found = run('{ baseline: { event: e, window: 10ms, against: 1, dropBy: 50% } }').see(
    e(0, 1),
    e(11, 1),
    e(10, 1),
  );
  found.passTo(19);
  assert.deepEqual(found.times, []);
  // Two in (0, 10] with the one at the start, one in (10, 20].
  found.passTo(20);
  assert.deepEqual([found.times, idsOf(found)], [[20], [['e11']]]);
});

test('all: of the matches of one pattern the latest counts, in whatever order they come (A1)', () => {
  const found = run('{ all: [{ event: e }, { event: f }], within: 10ms }');
  found.see(e(20, 1), e(12, 1), event('f', 21, {}, { messageId: 'f21' }));
  assert.deepEqual([found.times, idsOf(found)], [[21], [['e20', 'f21']]]);
});

test('session: an event behind belongs to the session from a gap before its start on, and to none before that (S3)', () => {
  const when = "{ session: { gap: 10ms, when: 'session.events >= 3' } }";
  const outside = run(when).see(e(20, 1), e(21, 1), e(9, 1));
  assert.deepEqual(outside.times, []);
  const inside = run(when).see(e(20, 1), e(21, 1), e(10, 1));
  assert.deepEqual([inside.times, idsOf(inside)], [[10], [['e20', 'e10']]]);
  // It begins with the one that came last, and so does the gap before it.
  const further = run('{ session: { gap: 10ms, when: \'session.duration >= duration("21ms")\' } }');
  further.see(e(20, 1), e(21, 1), e(10, 1), e(0, 1));
  assert.deepEqual(further.times, [0]);
});
