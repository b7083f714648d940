import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../../testing/until.ts';

test('what the condition gives, at once or later, is returned', async () => {
  assert.equal(await until(() => 'at once'), 'at once');
  let looks = 0;
  const found: { looks: number } = await until(async () => (++looks === 3 ? { looks } : null));
  assert.deepEqual(found, { looks: 3 });
});

test('at the deadline the error says what was waited for, what was last seen, and how long (U1)', async () => {
  const looking = until(() => 0, { message: 'five have come', deadlineMs: 30 });
  await assert.rejects(looking, /^Error: not in time: five have come\nlast seen: 0\nwaited \d+ ms$/);
  const asking = until(() => false, { deadlineMs: 1, seen: () => ({ came: ['a'] }) });
  await assert.rejects(asking, /^Error: not in time: \(\) => false\nlast seen: \{ came: \[ 'a' \] \}\n/);
});

test('a condition that never answers is waited for no longer than the deadline (U1)', async () => {
  const waiting = until(() => new Promise<boolean>(() => {}), { message: 'an answer', deadlineMs: 20 });
  await assert.rejects(waiting, /not in time: an answer\nlast seen: nothing, it has not answered\n/);
});

test('what the condition throws, and what it rejects with, ends the wait at once (U2)', async () => {
  let looks = 0;
  const thrown = new Error('the process is gone');
  const throwing = until((): boolean => {
    looks++;
    throw thrown;
  });
  await assert.rejects(throwing, (error) => error === thrown);
  await assert.rejects(
    until(() => Promise.reject(thrown)),
    (error) => error === thrown,
  );
  assert.equal(looks, 1);
});

test('long waits are asked about seldom', async () => {
  let looks = 0;
  await assert.rejects(until(() => ++looks < 0, { deadlineMs: 300 }));
  assert.ok(looks > 1 && looks < 70, `${looks} looks`);
});
