import assert from 'node:assert/strict';
import test from 'node:test';
import { TimeLimitError, withinTime } from '../../lib/time-limit.ts';
import { FakeClock } from '../../testing/fake-clock.ts';

const never = (): Promise<never> => new Promise(() => {});
const NO_ABORT = new AbortController().signal;

test('work that ends in time gives its result and leaves no timer behind', async () => {
  const clock = new FakeClock();
  assert.equal(await withinTime(clock, 1_000, NO_ABORT, async () => 7), 7);
  assert.equal(clock.sleeping, 0);
});

test('work that fails fails as it does by itself', async () => {
  const clock = new FakeClock();
  await assert.rejects(
    withinTime(clock, 1_000, NO_ABORT, () => Promise.reject(new RangeError('no'))),
    RangeError,
  );
  assert.equal(clock.sleeping, 0);
});

test('work that never ends is given up after its time, its signal aborted', async () => {
  const clock = new FakeClock();
  let seen: AbortSignal | undefined;
  const outcome = assert.rejects(
    withinTime(clock, 15_000, NO_ABORT, (signal) => {
      seen = signal;
      return never();
    }),
    new TimeLimitError('no answer within 15 s'),
  );
  await clock.advance(14_999);
  assert.equal(seen!.aborted, false);
  await clock.advance(1);
  await outcome;
  assert.equal(seen!.aborted, true);
});

test('an abort from outside ends it at once, also when it came before', async () => {
  for (const when of ['before', 'while']) {
    const clock = new FakeClock();
    const controller = new AbortController();
    if (when === 'before') controller.abort(new Error('closing'));
    const outcome = assert.rejects(withinTime(clock, 15_000, controller.signal, never), { message: 'closing' });
    controller.abort(new Error('closing'));
    await outcome;
    assert.equal(clock.sleeping, 0);
  }
});
