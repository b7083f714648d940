import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CountState } from '../../../../rules/patterns/count/at-least.ts';
import { compiled, event, PatternRun } from '../../kit.ts';

function count(atLeast: number, within: string, fields = ''): PatternRun {
  return new PatternRun(
    compiled(`{ id: a, when: { count: { event: e, atLeast: ${atLeast}, within: ${within}${fields} } } }`),
  );
}

const at = (time: number) => event('e', time);

test('the rule fires when the bound is reached, with the events of the window in order', () => {
  const events = [at(1_000), at(2_000), at(3_000)];
  const run = count(3, '10s').see(...events);
  assert.deepEqual(run.matches, [
    {
      at: 3_000,
      events: events.map((one) => one.messageId),
      times: [1_000, 2_000, 3_000],
      captures: {},
      event: events[2],
    },
  ]);
});

test('it does not fire again while the count stays at the bound or above, and does after it fell below', () => {
  const run = count(2, '10s').see(at(0), at(1_000), at(2_000), at(11_500), at(30_000), at(31_000));
  // At 11.5 s the window (1.5 s, 11.5 s] held one event just before: below the bound, and reached again.
  assert.deepEqual(run.times, [1_000, 11_500, 31_000]);
});

test('the window is open at its older end (K1)', () => {
  assert.deepEqual(count(2, '10s').see(at(0), at(10_000)).times, []);
  assert.deepEqual(count(2, '10s').see(at(1), at(10_000)).times, [10_000]);
});

test('atLeast 1 fires on the first event after an empty window', () => {
  assert.deepEqual(count(1, '10s').see(at(0), at(5_000), at(16_000)).times, [0, 16_000]);
});

test('only such events count as the condition lets through', () => {
  const run = count(2, '1m', `, where: 'event.properties.ok == false'`);
  run.see(event('e', 1, { ok: false }), event('e', 2, { ok: true }), event('e', 3, { ok: false }));
  assert.deepEqual(run.times, [3]);
});

test('an event that arrives behind newer ones is judged by the window that ends with it', () => {
  // Below two in the window up to 2 s, and two with it.
  assert.deepEqual(count(2, '10s').see(at(1_000), at(4_000), at(2_000)).times, [4_000, 2_000]);
  // Two in the window up to 3 s; the one of 4 s lies after it.
  assert.deepEqual(count(4, '10s').see(at(1_000), at(2_000), at(4_000), at(3_000)).times, []);
});

test('an event further behind than outOfOrderness completes nothing, and that is counted (K3)', () => {
  const run = count(2, '1m').see(at(0), at(20_000), at(30_000), at(500));
  assert.deepEqual([run.times, run.drops], [[20_000], ['late']]);
});

test('what is kept stays bounded for an entity that never pauses (K2)', () => {
  const run = count(3, '7d');
  for (let i = 0; i < 5_000; i++) run.see(at(i * 1_000));
  // 3 older ones and those of the last 5 s.
  assert.ok((run.state as CountState).entries.length <= 9);
  assert.deepEqual(run.drops, []);
});

test('a burst within outOfOrderness drops the oldest entries, and counts them (K2)', () => {
  const run = count(2, '1m').see(...Array.from({ length: 1_005 }, () => at(1)));
  assert.equal((run.state as CountState).entries.length, 1_002);
  assert.deepEqual(run.drops, ['entries', 'entries', 'entries']);
});

test('the bounded state decides as the whole history would, in any order within outOfOrderness', () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 6 }), behind: fc.integer({ min: 0, max: 5 }) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 12 }),
      (list, atLeast, windowSeconds) => {
        let newest = 0;
        const times = list.map(({ gap, behind }) => {
          const time = newest + gap - behind;
          newest = Math.max(newest, time);
          return time * 1_000;
        });
        const run = count(atLeast, `${windowSeconds}s`).see(...times.map(at));
        const expected = times.filter((time, index) => {
          const before = times
            .slice(0, index)
            .filter((one) => one > time - windowSeconds * 1_000 && one <= time).length;
          return before === atLeast - 1;
        });
        assert.deepEqual(run.times, expected);
      },
    ),
    { numRuns: 1_000 },
  );
});
