import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FileSystem } from '../../../../connectors/logs/embedded/file-system.ts';
import { OffsetMap } from '../../../../connectors/logs/embedded/offset-map.ts';
import { OpenFiles } from '../../../../connectors/logs/embedded/open-files.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { bytes, readAll, record, text, valuesOf, write } from '../../../contract/log-kit.ts';
import { CrashDisk } from './crash-disk.ts';
import { openLog, temporaryFolder } from './kit.ts';

test('the commit log is replaced by a snapshot when it has grown, and keeps everything', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir, { fsync: 'never' });
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  const writer = await log.openWriter('w');
  const metadata = 'm'.repeat(4096);
  for (let i = 1; i <= 5_000; i++) {
    if (i % 100 === 0) writer.send([record('events/0', `${i}`)]);
    await writer.commit('group', [{ topic: 'events', partition: 0, offset: i, metadata }]);
  }
  const commitFiles = (await readdir(dir)).filter((name) => name.startsWith('commits-'));
  assert.equal(commitFiles.length, 1);
  assert.notEqual(commitFiles[0], 'commits-00000000000000000001.log');
  assert.ok((await stat(join(dir, commitFiles[0]!))).size < 9_000_000);
  await log.close();
  const again = await openLog(t, dir);
  const [position] = await again.admin.committed('group', [{ topic: 'events', partition: 0 }]);
  assert.equal(position!.offset, 5_000);
  assert.equal((await valuesOf(again, 'events')).length, 50);
});

test('records far into many large and small batches are found from anywhere', async (t) => {
  const log = await openLog(t, await temporaryFolder(t), { segmentBytes: 3_000_000 });
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  const rng = seededRng(5);
  let count = 0;
  for (let i = 0; i < 300; i++) {
    const size = i % 3 === 0 ? 30_000 : 10;
    const records = Array.from({ length: 1 + Math.floor(rng.next() * 6) }, () =>
      record('events/0', `${count++}:`.padEnd(size, 'x')),
    );
    await write(log, records);
  }
  for (let i = 0; i < 60; i++) {
    const offset = Math.floor(rng.next() * count);
    const reader = log.openReader();
    reader.assign([{ topic: 'events', partition: 0, offset }]);
    const [fetched] = await reader.read({ maxBytes: 1, waitMs: 0 });
    assert.equal(fetched!.records.length, 1);
    assert.equal(text(fetched!.records[0]!.value)!.split(':')[0], `${offset}`);
    await reader.close();
  }
});

test('a record over the limit is refused, and after an abort the writer goes on', async (t) => {
  const log = await openLog(t, '/disk/data', { fileSystem: new CrashDisk(seededRng(1)) });
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  const writer = await log.openWriter('w');
  const tooLarge = { ...record('events/0', null), value: Buffer.alloc(64 * 1024 * 1024) };
  assert.throws(() => writer.send([record('events/0', 'a'), tooLarge]), {
    name: 'RecordError',
    code: 'TRG_RECORD_TOO_LARGE',
  });
  await assert.rejects(writer.commit('group', []));
  await writer.abort();
  writer.send([record('events/0', 'b')]);
  await writer.commit('group', []);
  assert.deepEqual(await valuesOf(log, 'events'), ['b']);
});

test('a topic name that cannot be a folder or a Kafka topic is refused', async (t) => {
  const log = await openLog(t, '/disk/data', { fileSystem: new CrashDisk(seededRng(1)) });
  for (const topic of ['', '..', 'a/b', 'ä', 'x'.repeat(250)]) {
    await assert.rejects(log.admin.createTopics([{ topic, partitions: 1 }]), { code: 'TRG_CONFIG_INVALID' });
  }
  await assert.rejects(log.admin.createTopics([{ topic: 'fine', partitions: 0 }]), { code: 'TRG_CONFIG_INVALID' });
});

test('topics keep their settings over a restart', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await openLog(t, '/disk/data', { fileSystem: disk });
  await log.admin.createTopics([{ topic: 'profiles', partitions: 1, compacted: true }]);
  await log.close();
  const again = await openLog(t, '/disk/data', { fileSystem: disk });
  await write(again, [record('profiles/0', '1', 'a'), record('profiles/0', '2', 'a')]);
  await again.clean({ force: true });
  assert.deepEqual(await valuesOf(again, 'profiles'), ['2']);
});

test('a log with an interval syncs what was written since, on closing too', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await openLog(t, '/disk/data', { fileSystem: disk, fsync: { everyMs: 50 } });
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(log, [record('events/0', 'a')]);
  await log.close();
  const after = await openLog(t, '/disk/data', { fileSystem: disk.afterPowerCut() });
  assert.deepEqual(await valuesOf(after, 'events'), ['a']);
});

test('no more files are kept open than allowed, whoever uses them', async () => {
  let open = 0;
  let most = 0;
  const disk = new CrashDisk(seededRng(1));
  await disk.makeFolder('/disk/many');
  const counting: FileSystem = Object.assign(Object.create(disk) as FileSystem, {
    open: async (path: string, mode: 'read' | 'write' | 'create') => {
      const file = await disk.open(path, mode);
      most = Math.max(most, ++open);
      return { ...file, close: async () => void open-- };
    },
  });
  const files = new OpenFiles(counting, 3);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) {
      const mode = round === 0 ? 'create' : i % 2 === 0 ? 'read' : 'write';
      await files.use(`/disk/many/${i}`, mode, async (file) => file.write([bytes(`${i}`)], 0));
      assert.ok(open <= 3, `${open} open`);
    }
  }
  assert.ok(most <= 4);
  await files.close();
  assert.equal(open, 0);
});

test('a file dropped while in use is closed by its last user', async () => {
  const disk = new CrashDisk(seededRng(1));
  const files = new OpenFiles(disk);
  const used = files.use('/disk/a', 'create', async (file) => {
    await files.drop('/disk/a');
    await file.write([bytes('still open')], 0);
  });
  await used;
  assert.equal(disk.contents('/disk/a')!.toString(), 'still open');
});

test('the offset map keeps the latest offset of every key through its growth', () => {
  const map = new OffsetMap(20_000);
  const key = (i: number): Uint8Array => bytes(`key-${i}`);
  for (let i = 0; i < 20_000; i++) map.set(key(i), i);
  assert.equal(map.isFull, true);
  for (let i = 0; i < 20_000; i += 3) map.set(key(i), 100_000 + i);
  for (let i = 0; i < 20_000; i++) assert.equal(map.get(key(i)), i % 3 === 0 ? 100_000 + i : i);
  assert.equal(map.get(bytes('unknown')), undefined);
});

test('reading with a small maxBytes does not read the file again and again', async (t) => {
  const disk = new CrashDisk(seededRng(1));
  const log = await openLog(t, '/disk/data', { fileSystem: disk });
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(
    log,
    Array.from({ length: 1_000 }, (_, i) => record('events/0', `${i}`.padEnd(300))),
  );
  const before = disk.operations;
  await readAll(log, { topic: 'events', partition: 0 }, { maxBytes: 330 });
  assert.ok(disk.operations - before < 20, `${disk.operations - before} operations`);
});
