import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilReachable } from '../../../apps/worker/until-reachable.ts';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';

const away = () => new RetryableError('TRG_LOG_UNREACHABLE', 'nobody listens');

function kit() {
  const clock = new FakeClock();
  const said: unknown[] = [];
  const logger = { info: () => {}, error: () => {}, warn: (fields: object) => said.push(fields) };
  return { clock, said, options: { clock, logger } };
}

test('an outage of an hour is waited for, and said every half minute with its cause', async () => {
  const { clock, said, options } = kit();
  const end = clock.now() + 3_600_000;
  let attempts = 0;
  const work = async () => {
    attempts++;
    if (clock.now() < end) throw away();
    return 'there';
  };
  const waiting = untilReachable(work, options, new AbortController().signal);
  await clock.advance(3_600_000);
  assert.equal(await waiting, 'there');
  assert.ok(attempts > 1_000);
  assert.ok(said.length >= 120 && said.length <= 121, `${said.length} times`);
  assert.deepEqual(said[1], { forSeconds: 32, error: 'nobody listens' });
  assert.equal(clock.sleeping, 0);
});

test('a stop ends the wait at once, also amid an attempt that hangs', async () => {
  const { clock, options } = kit();
  const stop = new AbortController();
  const waiting = untilReachable(() => new Promise<never>(() => {}), options, stop.signal);
  await clock.advance(5_000);
  stop.abort();
  assert.equal(await waiting, undefined);
  assert.equal(clock.sleeping, 0);
});

test('what time cannot mend is thrown at once (U1)', async () => {
  const { clock, said, options } = kit();
  const denied = new FatalError('TRG_LOG_DENIED', 'wrong password');
  await assert.rejects(
    untilReachable(() => Promise.reject(denied), options, new AbortController().signal),
    denied,
  );
  assert.deepEqual([said.length, clock.sleeping], [0, 0]);
});
