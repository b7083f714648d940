import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOMBSTONE_MS } from '../../../../connectors/logs/embedded/compaction.ts';
import { openEmbeddedLog } from '../../../../connectors/logs/embedded/embedded-log.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import type { Log } from '../../../../topology/engine/ports.ts';
import { at, type Cleanup, readAll, record, someoneSleeps, text, valuesOf, write } from '../../../contract/log-kit.ts';
import { openLog, temporaryFolder } from './kit.ts';

const PROFILES = { topic: 'profiles', partition: 0 };

async function logToClean(t: Cleanup, segmentBytes = 300) {
  const clock = new FakeClock();
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir, { clock, segmentBytes });
  await log.admin.createTopics([
    { topic: 'profiles', partitions: 1, compacted: true },
    { topic: 'late', partitions: 1, retentionMs: 10_000 },
  ]);
  return { log, clock, dir };
}

async function entries(log: Log): Promise<[offset: number, key: string | null, value: string | null][]> {
  return (await readAll(log, PROFILES)).map(({ offset, key, value }) => [offset, text(key), text(value)]);
}

test('compaction keeps the latest record of each key under its old offset', async (t) => {
  const { log, dir } = await logToClean(t);
  for (const [key, value] of ['a1', 'b1', 'a2', 'c1', 'b2', 'a3'].map((pair) => [...pair])) {
    await write(log, [record('profiles/0', value!, key!)]);
  }
  assert.equal(await log.clean({ force: true }), false);
  const kept = [
    [3, 'c', '1'],
    [4, 'b', '2'],
    [5, 'a', '3'],
  ];
  assert.deepEqual(await entries(log), kept);
  assert.deepEqual(await log.admin.offsets(PROFILES), { first: 3, end: 6, written: 6 });
  await log.close();
  assert.deepEqual(await entries(await openLog(t, dir)), kept);
});

test('records without a key are kept by compaction', async (t) => {
  const { log } = await logToClean(t);
  await write(log, [record('profiles/0', 'x'), record('profiles/0', 'y'), record('profiles/0', 'z', '')]);
  await log.clean({ force: true });
  assert.deepEqual(await valuesOf(log, 'profiles'), ['x', 'y', 'z']);
});

test('a deletion takes earlier values at once and goes itself after a day', async (t) => {
  const { log, clock } = await logToClean(t);
  await write(log, [record('profiles/0', 'secret', 'a'), record('profiles/0', 'stays', 'b')]);
  await write(log, [record('profiles/0', null, 'a')]);
  await log.clean({ force: true });
  assert.deepEqual(await entries(log), [
    [1, 'b', 'stays'],
    [2, 'a', null],
  ]);
  await clock.advance(TOMBSTONE_MS - 1);
  await log.clean({ force: true });
  assert.equal((await entries(log)).length, 2);
  await clock.advance(1);
  await log.clean({ force: true });
  assert.deepEqual(await entries(log), [[1, 'b', 'stays']]);
});

test('the bytes of a deleted value are in no file after compaction (I9)', async (t) => {
  const { log, dir } = await logToClean(t);
  await write(log, [record('profiles/0', 'secret', 'a')]);
  await write(log, [record('profiles/0', null, 'a')]);
  await log.clean({ force: true });
  const folder = join(dir, 'topics/profiles/0');
  for (const name of await readdir(folder)) {
    assert.equal((await readFile(join(folder, name))).includes('secret'), false, name);
  }
});

test('a partition of which nothing is left keeps its end offset', async (t) => {
  const { log, clock } = await logToClean(t);
  await write(log, [record('profiles/0', null, 'a')]);
  await clock.advance(TOMBSTONE_MS);
  await log.clean({ force: true });
  assert.deepEqual(await log.admin.offsets(PROFILES), { first: 1, end: 1, written: 1 });
  const reader = log.openReader();
  t.after(() => reader.close());
  reader.assign([at('profiles', 0, 0)]);
  const [fetched] = await reader.read({ maxBytes: 100, waitMs: 0 });
  assert.deepEqual([fetched!.records.length, fetched!.nextOffset, fetched!.endOffset], [0, 1, 1]);
  await write(log, [record('profiles/0', 'new', 'a')]);
  assert.deepEqual(await entries(log), [[1, 'a', 'new']]);
});

test('more keys than fit in memory are compacted in several passes', async (t) => {
  const { log } = await logToClean(t);
  for (let round = 0; round < 3; round++) {
    for (let key = 0; key < 20; key++) await write(log, [record('profiles/0', `${round}`, `k${key}`)]);
  }
  let passes = 1;
  while (await log.clean({ force: true, keysMax: 7 })) passes++;
  assert.ok(passes > 3, `${passes} passes`);
  // A pass that begins with a full table in the middle of history leaves older duplicates to a pass over all of it.
  await log.clean({ force: true });
  assert.deepEqual(
    (await entries(log)).map(([, key, value]) => [key, value]),
    Array.from({ length: 20 }, (_, key) => [`k${key}`, '2']),
  );
});

test('records committed while a compaction runs are all kept', async (t) => {
  const { log } = await logToClean(t);
  for (let i = 0; i < 50; i++) await write(log, [record('profiles/0', `${i}`, `k${i % 5}`)]);
  const cleaning = log.clean({ force: true });
  for (let i = 0; i < 20; i++) await write(log, [record('profiles/0', `late ${i}`, 'k0')]);
  await cleaning;
  const values = await valuesOf(log, 'profiles');
  assert.deepEqual(
    values.slice(-20),
    Array.from({ length: 20 }, (_, i) => `late ${i}`),
  );
  assert.deepEqual(values.slice(0, -20), ['45', '46', '47', '48', '49']);
});

test('a reader under way goes on at the next kept record when its files are compacted away', async (t) => {
  const { log } = await logToClean(t);
  for (let i = 0; i < 30; i++) await write(log, [record('profiles/0', `${i}`, `k${i % 3}`)]);
  const reader = log.openReader();
  t.after(() => reader.close());
  reader.assign([at('profiles', 0, 0)]);
  const [before] = await reader.read({ maxBytes: 30, waitMs: 0 });
  assert.equal(before!.records.length, 1);
  await log.clean({ force: true });
  const offsets: number[] = [];
  for (let isDone = false; !isDone; ) {
    const [fetched] = await reader.read({ maxBytes: 30, waitMs: 0 });
    offsets.push(...fetched!.records.map(({ offset }) => offset));
    isDone = fetched!.nextOffset >= fetched!.endOffset;
  }
  assert.deepEqual(offsets.slice(-3), [27, 28, 29]);
  assert.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
  );
});

test('compaction waits until there is something to gain', async (t) => {
  const { log } = await logToClean(t, 64 * 1024 * 1024);
  await write(log, [record('profiles/0', 'small', 'a'), record('profiles/0', 'small', 'a')]);
  await log.clean();
  assert.equal((await entries(log)).length, 2);
  await write(log, [record('profiles/0', 'x'.repeat(600_000), 'a'), record('profiles/0', 'y'.repeat(600_000), 'a')]);
  await log.clean();
  assert.equal((await entries(log)).length, 1);
});

test('retention trims files whose records are all too old, and reading goes on at the first kept', async (t) => {
  const { log, clock, dir } = await logToClean(t);
  const value = 'x'.repeat(200);
  await write(log, [record('late/0', `1${value}`)]);
  await clock.advance(4_000);
  await write(log, [record('late/0', `2${value}`)]);
  await clock.advance(6_000);
  await log.clean();
  assert.deepEqual(await log.admin.offsets({ topic: 'late', partition: 0 }), { first: 1, end: 2, written: 2 });
  assert.deepEqual(await valuesOf(log, 'late'), [`2${value}`]);
  await clock.advance(4_000);
  await log.clean();
  assert.deepEqual(await log.admin.offsets({ topic: 'late', partition: 0 }), { first: 2, end: 2, written: 2 });
  assert.deepEqual(await readdir(join(dir, 'topics/late/0')), []);
  await write(log, [record('late/0', '3')]);
  assert.deepEqual(
    (await readAll(log, { topic: 'late', partition: 0 })).map(({ offset }) => offset),
    [2],
  );
});

test('a topic that fills slowly is trimmed too', async (t) => {
  const { log, clock } = await logToClean(t, 64 * 1024 * 1024);
  for (let i = 0; i < 30; i++) {
    await write(log, [record('late/0', `${i}`)]);
    await clock.advance(1_000);
    await log.clean();
  }
  const values = (await valuesOf(log, 'late')).map(Number);
  assert.ok(values[0]! >= 15, `the first kept is ${values[0]}`);
  assert.deepEqual(values.slice(-9), [21, 22, 23, 24, 25, 26, 27, 28, 29]);
});

test('the owner has it cleaned every so often', async (t) => {
  const clock = new FakeClock();
  const log = await openEmbeddedLog({ dir: await temporaryFolder(t), clock, cleanEveryMs: 1_000 });
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: 'late', partitions: 1, retentionMs: 500 }]);
  await write(log, [record('late/0', 'old')]);
  await someoneSleeps(clock);
  await clock.advance(1_000);
  await someoneSleeps(clock);
  assert.deepEqual(await log.admin.offsets({ topic: 'late', partition: 0 }), { first: 1, end: 1, written: 1 });
});

test('a closed log is not cleaned', async (t) => {
  const { log } = await logToClean(t);
  await log.close();
  await assert.rejects(log.clean(), { code: 'TRG_LOG_CLOSED' });
});
