import assert from 'node:assert/strict';
import test from 'node:test';
import { FAKE_START, FakeClock } from '../../testing/fake-clock.ts';

test('sleepers wake in the order of their times, each at its own time (F1)', async () => {
  const clock = new FakeClock();
  const woken: [string, number][] = [];
  const sleeper = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    woken.push([name, clock.now() - FAKE_START]);
  };
  const all = [sleeper('late', 30), sleeper('early', 10), sleeper('never', 31)];
  await clock.advance(30);
  assert.deepEqual(woken, [
    ['early', 10],
    ['late', 30],
  ]);
  assert.equal(clock.now(), FAKE_START + 30);
  assert.equal(clock.sleeping, 1);
  await clock.advance(1);
  await Promise.all(all);
});

test('whoever wakes may sleep again within the same advance', async () => {
  const clock = new FakeClock();
  const wakes: number[] = [];
  const ticking = (async () => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10);
      wakes.push(clock.now() - FAKE_START);
    }
  })();
  await clock.advance(35);
  await ticking;
  assert.deepEqual(wakes, [10, 20, 30]);
});

test('an aborted sleep resolves at once and leaves nothing behind', async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const asleep = clock.sleep(1_000, controller.signal);
  controller.abort();
  await asleep;
  await clock.sleep(1_000, controller.signal);
  assert.equal(clock.sleeping, 0);
});
