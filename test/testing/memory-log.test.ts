import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../testing/fake-clock.ts';
import { openMemoryLog } from '../../testing/memory-log.ts';
import { logSuite } from '../contract/log.suite.ts';
import { record, valuesOf, write } from '../contract/log-kit.ts';

logSuite('memory log', async (t) => {
  const clock = new FakeClock();
  const log = openMemoryLog({ clock });
  t.after(() => log.close());
  return { log, clock };
});

test('cleaning keeps the latest record of each key of a compacted topic', async () => {
  const log = openMemoryLog({ clock: new FakeClock() });
  await log.admin.createTopics([{ topic: 'profiles', partitions: 1, compacted: true }]);
  await write(log, [record('profiles/0', '1', 'a'), record('profiles/0', '2', 'b'), record('profiles/0', '3', 'a')]);
  log.clean();
  assert.deepEqual(await valuesOf(log, 'profiles'), ['2', '3']);
  assert.deepEqual(await log.admin.offsets({ topic: 'profiles', partition: 0 }), { first: 1, end: 3, written: 3 });
});

test('cleaning trims what is older than the retention', async () => {
  const clock = new FakeClock();
  const log = openMemoryLog({ clock });
  await log.admin.createTopics([{ topic: 'late', partitions: 1, retentionMs: 1_000 }]);
  await write(log, [record('late/0', 'old')]);
  await clock.advance(600);
  await write(log, [record('late/0', 'new')]);
  await clock.advance(400);
  log.clean();
  assert.deepEqual(await valuesOf(log, 'late'), ['new']);
});
