import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StreamTime } from '../../../topology/engine/stream-time.ts';

const OUT_OF_ORDER = 100;
/** What M1 takes off: outOfOrderness and the one millisecond. */
const BEHIND = OUT_OF_ORDER + 1;

function timeOf(...upstreams: readonly (readonly string[] | null)[]): StreamTime {
  return new StreamTime(OUT_OF_ORDER, upstreams);
}

test('nothing is known before every input has been read and the clock was seen (M1)', () => {
  const time = timeOf(null, null);
  time.advanceWall(10_000);
  time.observe(0, 5_000);
  assert.equal(time.current, -1);
  time.observe(1, 4_000);
  assert.equal(time.current, 4_000 - BEHIND);
});

test('the slowest input counts, and the highest event time of each (M1)', () => {
  const time = timeOf(null, null);
  time.advanceWall(10_000);
  time.observe(0, 5_000);
  time.observe(1, 4_000);
  time.observe(1, 3_000);
  assert.equal(time.inputTime, 4_000);
  time.observe(1, 9_000);
  assert.equal(time.current, 5_000 - BEHIND);
});

test('an input read to its end counts as far as the wall time of that moment (M1)', () => {
  const time = timeOf(null, null);
  time.advanceWall(10_000);
  time.observe(0, 5_000);
  time.end(1, 10_000);
  assert.equal(time.current, 5_000 - BEHIND);
  time.end(0, 10_000);
  assert.equal(time.current, 10_000 - BEHIND);
});

test('an event stamped ahead of the clock cannot pull time past it (M2)', () => {
  const time = timeOf(null);
  time.advanceWall(10_000);
  time.observe(0, 50_000);
  assert.equal(time.current, 10_000 - BEHIND);
  time.advanceWall(20_000);
  assert.equal(time.current, 20_000 - BEHIND);
});

test('it never goes back, never passes the clock, and is M1 whatever the steps (M1, M2)', () => {
  const stamp = fc.integer({ min: 0, max: 2_000 });
  const step = fc.oneof(
    fc.record({ do: fc.constant('observe' as const), input: fc.nat(1), at: stamp }),
    fc.record({ do: fc.constant('end' as const), input: fc.nat(1), at: stamp }),
    fc.record({ do: fc.constant('wall' as const), input: fc.constant(0), at: stamp }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const time = timeOf(null, null);
      const highest = [-1, -1];
      let wall = -1;
      for (const { do: what, input, at } of steps) {
        if (what === 'wall') {
          time.advanceWall(at);
          wall = Math.max(wall, at);
        } else {
          time[what](input, at);
          highest[input] = Math.max(highest[input]!, at);
        }
        assert.equal(time.current, Math.max(-1, Math.min(...highest, wall) - BEHIND));
      }
    }),
  );
});

test('an input fed by other tasks goes by the least of their watermarks, not by its records', () => {
  const time = timeOf(['raw/0', 'raw/1']);
  time.advanceWall(10_000);
  time.observe(0, 9_000);
  time.end(0, 10_000);
  time.watermark(0, 'raw/0', 5_000);
  assert.equal(time.current, -1);
  time.watermark(0, 'raw/1', 3_000);
  assert.equal(time.current, 3_000 - BEHIND);
  time.watermark(0, 'raw/1', 2_000);
  time.watermark(0, 'elsewhere/0', 1);
  assert.equal(time.current, 3_000 - BEHIND);
});

test('ifIdleAt tells where time would stand if all that carry their own time were at their ends', () => {
  const own = timeOf(null, null);
  own.advanceWall(10_000);
  own.observe(0, 5_000);
  assert.equal(own.ifIdleAt(20_000), 20_000 - BEHIND);
  assert.equal(own.current, -1);
  const fed = timeOf(null, ['raw/0']);
  fed.advanceWall(10_000);
  fed.watermark(1, 'raw/0', 7_000);
  assert.equal(fed.ifIdleAt(20_000), 7_000 - BEHIND);
});

test('a snapshot restored goes on where it was, through JSON; an input or upstream that is gone is left out', () => {
  const time = timeOf(null, ['raw/0', 'raw/1']);
  time.advanceWall(10_000);
  time.observe(0, 8_000);
  time.watermark(1, 'raw/0', 6_000);
  time.watermark(1, 'raw/1', 7_000);
  const snapshot = JSON.parse(JSON.stringify(time.snapshot()));
  const again = timeOf(null, ['raw/0', 'raw/1']);
  again.restore(snapshot);
  assert.deepEqual(again.snapshot(), time.snapshot());
  again.watermark(1, 'raw/0', 9_000);
  assert.equal(again.current, 7_000 - BEHIND);
  const fewer = timeOf(null);
  fewer.restore(snapshot);
  assert.equal(fewer.current, 6_000 - BEHIND);
});

test('complete takes time to where the input ended, and not back', () => {
  const time = timeOf(null);
  time.complete(500);
  time.complete(400);
  assert.equal(time.current, 500);
});

test('an input that brings no events holds nothing back, also after a restore', () => {
  const time = new StreamTime(0, [null, []]);
  time.advanceWall(1_000);
  time.observe(0, 50);
  time.observe(1, 7);
  assert.equal(time.current, 49);
  const again = new StreamTime(0, [null, []]);
  again.restore(JSON.parse(JSON.stringify(time.snapshot())));
  again.observe(0, 60);
  assert.equal(again.current, 59);
});
