import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openEmbeddedLogReadOnly } from '../../../../connectors/logs/embedded/read-only.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { type Cleanup, record, text, valuesOf, write } from '../../../contract/log-kit.ts';
import { openLog, temporaryFolder } from './kit.ts';

/** A child that hangs ends with its test. */
const BOUND = { timeout: 120_000 };
const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

function startChild(t: Cleanup, what: 'hold' | 'write', dir: string): ChildProcess {
  const child = spawn(process.execPath, [CHILD, what, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

test('a process killed at any moment leaves all acknowledged transactions and no part of another', BOUND, async (t) => {
  const dir = await temporaryFolder(t);
  const rng = seededRng(7);
  let acknowledged = 0;
  for (let life = 0; life < 6; life++) {
    const child = startChild(t, 'write', dir);
    const target = acknowledged + 1 + Math.floor(rng.next() * 120);
    let tail = '';
    for await (const chunk of child.stdout!) {
      const lines = `${tail}${chunk}`.split('\n');
      tail = lines.pop()!;
      acknowledged = Number(lines.at(-1) ?? acknowledged);
      if (acknowledged >= target && !child.killed) child.kill('SIGKILL');
    }
    const log = await openLog(t, dir);
    const [position] = await log.admin.committed('group', [{ topic: 'events', partition: 0 }]);
    const found = position!.offset;
    const isOneMore = found === acknowledged || found === acknowledged + 1;
    assert.ok(acknowledged >= target && isOneMore, `${acknowledged} acknowledged, ${found} found`);
    const numbers = Array.from({ length: found }, (_, i) => `${i + 1}`);
    assert.deepEqual(await valuesOf(log, 'events', 0), numbers);
    assert.deepEqual(await valuesOf(log, 'events', 1), numbers);
    assert.deepEqual((await valuesOf(log, 'actions')).slice(-10), numbers.slice(-10));
    acknowledged = found;
    await log.close();
  }
});

test(
  'a folder that another process has open is refused, saying which, until that process is killed',
  BOUND,
  async (t) => {
    const dir = await temporaryFolder(t);
    const child = startChild(t, 'hold', dir);
    await once(child.stdout!, 'data');
    await assert.rejects(openLog(t, dir), {
      name: 'FatalError',
      code: 'TRG_LOG_LOCKED',
      fields: { folder: dir, pid: child.pid! },
      message: new RegExp(`process ${child.pid} has the data folder .* open\\. Stop it \\(kill ${child.pid}\\)`),
    });
    await kill(child);
    const log = await openLog(t, dir);
    assert.deepEqual(await log.admin.topics(), new Map());
  },
);

test('a folder is opened once in a process, and again after closing', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir);
  await assert.rejects(openLog(t, dir), { code: 'TRG_LOG_LOCKED', fields: { folder: dir, pid: process.pid } });
  await log.close();
  await openLog(t, dir);
});

test('a lock whose files a power cut left half made is taken all the same', async (t) => {
  const dir = await temporaryFolder(t);
  await (await openLog(t, dir)).close();
  for (const name of await readdir(join(dir, 'lock'))) {
    if (name === 'CURRENT' || name.startsWith('MANIFEST')) await writeFile(join(dir, 'lock', name), '');
  }
  const log = await openLog(t, dir);
  await assert.rejects(openLog(t, dir), { code: 'TRG_LOG_LOCKED' });
  await log.close();
});

test('another reader sees what is committed while a process holds the log, and changes nothing', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir);
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(log, [record('events/0', 'a')]);
  const reading = await openEmbeddedLogReadOnly({ dir, clock: new FakeClock() });
  t.after(() => reading.close());
  await write(log, [record('events/0', 'b')]);
  assert.deepEqual(await valuesOf(reading, 'events'), ['a']);
  const later = await openEmbeddedLogReadOnly({ dir, clock: new FakeClock() });
  t.after(() => later.close());
  assert.deepEqual(await valuesOf(later, 'events'), ['a', 'b']);
  await assert.rejects(later.openWriter('w'), { code: 'TRG_LOG_LOCKED' });
  await assert.rejects(later.admin.createTopics([{ topic: 'x', partitions: 1 }]), { code: 'TRG_LOG_LOCKED' });
  await write(log, [record('events/0', 'c')]);
  assert.deepEqual(await valuesOf(log, 'events'), ['a', 'b', 'c']);
});

test('a reader that waits sees what the process that holds the log commits meanwhile, and nothing before (O2)', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir);
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(log, [record('events/0', 'a')]);
  const clock = new FakeClock();
  const reading = await openEmbeddedLogReadOnly({ dir, clock });
  t.after(() => reading.close());
  const reader = reading.openReader();
  reader.assign([{ topic: 'events', partition: 0, offset: 1 }]);
  const read = async (waitMs: number): Promise<(string | null)[]> => {
    let isOver = false;
    const fetched = reader.read({ maxBytes: 1_000, waitMs }).finally(() => {
      isOver = true;
    });
    for (; !isOver; await new Promise((resolve) => setImmediate(resolve))) await clock.advance(100);
    return (await fetched).flatMap(({ records }) => records.map(({ value }) => text(value)));
  };
  assert.deepEqual(await read(2_000), []);
  await write(log, [record('events/0', 'b')]);
  assert.deepEqual(await read(0), []);
  assert.deepEqual(await read(2_000), ['b']);
  assert.deepEqual(await read(2_000), []);
});

test('a reader of a closed log needs no process', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir);
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(log, [record('events/0', 'a')]);
  await log.close();
  const reading = await openEmbeddedLogReadOnly({ dir, clock: new FakeClock() });
  t.after(() => reading.close());
  assert.deepEqual(await valuesOf(reading, 'events'), ['a']);
});

test('a reader whose files are compacted away under it goes on with the new ones', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir, { segmentBytes: 300 });
  await log.admin.createTopics([{ topic: 'profiles', partitions: 1, compacted: true }]);
  for (let i = 0; i < 40; i++) await write(log, [record('profiles/0', `${i}`, `k${i % 2}`)]);
  const reading = await openEmbeddedLogReadOnly({ dir, clock: new FakeClock() });
  t.after(() => reading.close());
  await log.clean({ force: true });
  assert.deepEqual(await valuesOf(reading, 'profiles'), ['38', '39']);
});

test('reading where there is no log says so', async (t) => {
  const dir = await temporaryFolder(t);
  await rm(dir, { recursive: true });
  await assert.rejects(openEmbeddedLogReadOnly({ dir, clock: new FakeClock() }), { code: 'TRG_FILE_UNREADABLE' });
});
