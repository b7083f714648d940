import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../../../lib/rng.ts';
import { type Cleanup, record, valuesOf, write } from '../../../contract/log-kit.ts';
import { CrashDisk } from './crash-disk.ts';
import { openLog } from './kit.ts';

const DIR = '/disk/data';

async function logOnDisk(t: Cleanup, disk: CrashDisk) {
  const log = await openLog(t, DIR, { fileSystem: disk });
  await log.admin.createTopics([
    { topic: 'events', partitions: 2 },
    { topic: 'profiles', partitions: 1, compacted: true },
  ]);
  return log;
}

test('a full disk fails the commit with a clear error, and nothing of it is visible', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  await write(log, [record('events/0', 'before')]);
  disk.isFull = true;
  await assert.rejects(write(log, [record('events/0', 'lost'), record('events/1', 'lost')]), {
    name: 'RetryableError',
    code: 'TRG_LOG_FULL',
    message: /topics\/events\/.* cannot be written: the disk is full/,
  });
  assert.deepEqual(await valuesOf(log, 'events', 0), ['before']);
  assert.deepEqual(await valuesOf(log, 'events', 1), []);
});

test('once there is space again the log goes on, also after another start', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  await write(log, [record('events/0', 'before')]);
  disk.isFull = true;
  for (let i = 0; i < 3; i++) await assert.rejects(write(log, [record('events/0', 'lost')]), { code: 'TRG_LOG_FULL' });
  disk.isFull = false;
  await write(log, [record('events/0', 'after')]);
  assert.deepEqual(await valuesOf(log, 'events'), ['before', 'after']);
  await log.close();
  const again = await openLog(t, DIR, { fileSystem: disk });
  assert.deepEqual(await valuesOf(again, 'events'), ['before', 'after']);
});

test('a disk that is full leaves no surplus bytes behind', async (t) => {
  const disk = new CrashDisk(seededRng(3));
  const log = await logOnDisk(t, disk);
  await write(log, [record('events/0', 'before')]);
  const sizes = (): [string, number][] => disk.paths.map((path) => [path, disk.contents(path)!.length]);
  const before = sizes();
  disk.isFull = true;
  await assert.rejects(write(log, [record('events/0', 'lost'.repeat(100)), record('events/1', 'lost')]));
  assert.deepEqual(sizes(), before);
});

test('a disk that is full while compacting changes nothing, and compacting works later', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  for (const value of ['1', '2', '3']) await write(log, [record('profiles/0', value, 'key')]);
  disk.isFull = true;
  await assert.rejects(log.clean({ force: true }), { code: 'TRG_LOG_FULL' });
  assert.deepEqual(await valuesOf(log, 'profiles'), ['1', '2', '3']);
  disk.isFull = false;
  await log.clean({ force: true });
  assert.deepEqual(await valuesOf(log, 'profiles'), ['3']);
});

test('a log cannot be opened on a full disk, and says why', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  await log.close();
  disk.isFull = true;
  await assert.rejects(openLog(t, DIR, { fileSystem: disk }), { code: 'TRG_LOG_FULL', message: /the disk is full/ });
});

/** Lets the entry of the next commit be written, but neither synced nor cut off again. */
function failEntries(disk: CrashDisk): void {
  disk.fails = (operation, path) => path.includes('commits-') && operation !== 'write';
}

test('a commit that cannot be synced nor taken back is unclear; a start may find it, then with its records', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  await write(log, [record('events/0', 'before')]);
  failEntries(disk);
  const unclear = write(log, [record('events/0', 'unclear'), record('events/1', 'unclear')]);
  await assert.rejects(unclear, { name: 'RetryableError', code: 'TRG_LOG_UNCLEAR_COMMIT' });
  assert.deepEqual(await valuesOf(log, 'events', 0), ['before']);
  const again = await openLog(t, DIR, { fileSystem: disk.afterKill() });
  assert.deepEqual(await valuesOf(again, 'events', 0), ['before', 'unclear']);
  assert.deepEqual(await valuesOf(again, 'events', 1), ['unclear']);
});

test('the next commit settles an unclear one: it did not take effect, now or after a start', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  failEntries(disk);
  await assert.rejects(write(log, [record('events/0', 'unclear'), record('events/1', 'unclear')]));
  await assert.rejects(write(log, [record('events/0', 'still failing')]), { code: 'TRG_LOG_FULL' });
  disk.fails = () => false;
  await write(log, [record('events/0', 'after')]);
  for (const each of [log, await openLog(t, DIR, { fileSystem: disk.afterKill() })]) {
    assert.deepEqual(await valuesOf(each, 'events', 0), ['after']);
    assert.deepEqual(await valuesOf(each, 'events', 1), []);
  }
});

test('a compaction whose entry is unclear counts at the next start, with its files, or not at all', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await logOnDisk(t, disk);
  for (const value of ['1', '2']) await write(log, [record('profiles/0', value, 'key')]);
  failEntries(disk);
  await assert.rejects(log.clean({ force: true }), { code: 'TRG_LOG_UNCLEAR_COMMIT' });
  assert.deepEqual(await valuesOf(log, 'profiles'), ['1', '2']);
  const again = await openLog(t, DIR, { fileSystem: disk.afterKill() });
  assert.deepEqual(await valuesOf(again, 'profiles'), ['2']);
});
