import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventTimes } from '../../../state/entity/event-times.ts';

test('counts, the newest and the next agree with a list, whatever order times come in', () => {
  const time = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(fc.array(time, { maxLength: 40 }), time, time, (times, a, b) => {
      const kept = new EventTimes();
      for (const one of times) kept.add(one, 100);
      const again = EventTimes.decode(kept.encode());
      for (const each of [kept, again]) {
        assert.equal(each.countIn(a, b), times.filter((one) => one > a && one <= b).length);
        assert.equal(each.newestAt(a) ?? -1, Math.max(-1, ...times.filter((one) => one <= a)));
        assert.equal(each.after(a), Math.min(Infinity, ...times.filter((one) => one > a)));
      }
    }),
    { numRuns: 300 },
  );
});

test('what is forgotten changes no window that begins later, and leaves the newest of all', () => {
  const kept = new EventTimes();
  for (const time of [1, 2, 3, 9]) kept.add(time, 100);
  kept.forget(3);
  assert.equal(kept.countIn(3, 10), 1);
  assert.equal(kept.newestAt(5), 3);
  assert.equal(kept.size, 2);
  kept.forget(100);
  assert.equal(kept.newestAt(100), 9);
  assert.equal(kept.size, 1);
});

test('a machine’s events are counted exactly at a thousandth of the window, in bounded room (W1, W2)', () => {
  const window = 1_000_000;
  const width = window / 1_000;
  const kept = new EventTimes();
  const times: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const time = Math.floor(i * 37.3);
    times.push(time);
    kept.add(time, window);
    kept.forget(time - window);
  }
  const now = times.at(-1)!;
  assert.ok(kept.size <= 4_000, String(kept.size));
  // Buckets begin at multiples of the width: a window that does is exact, older than the newest thousand or not.
  for (const from of [0, 100 * width, 500 * width]) {
    assert.equal(kept.countIn(from - 1, now), times.filter((one) => one >= from).length);
  }
});
