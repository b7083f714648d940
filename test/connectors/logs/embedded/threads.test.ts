import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { connectToLog, serveLog } from '../../../../connectors/logs/embedded/threads.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { until } from '../../../../testing/until.ts';
import { type Cleanup, record, someoneSleeps, valuesOf } from '../../../contract/log-kit.ts';
import { CrashDisk } from './crash-disk.ts';
import { openLog, temporaryFolder } from './kit.ts';

const TRANSACTIONS = 60;
const EVENTS = [{ topic: 'events', partitions: 2 }];

test('worker threads write and read one log at once, each transaction in one piece', { timeout: 60_000 }, async (t) => {
  const log = await openLog(t, await temporaryFolder(t), { clock: systemClock });
  await log.admin.createTopics(EVENTS);
  const expected = [TRANSACTIONS * 4, TRANSACTIONS * 2];
  const answers = ['one', 'two'].map(async (name) => {
    const { port1, port2 } = new MessageChannel();
    serveLog(log, port1);
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { port: port2, name, transactions: TRANSACTIONS, expected },
      transferList: [port2],
    });
    t.after(() => worker.terminate());
    const [values] = (await once(worker, 'message')) as [[string[], string[]]];
    return values;
  });
  const [one, two] = (await Promise.all(answers)) as [[string[], string[]], [string[], string[]]];
  assert.deepEqual(one, two);
  assert.deepEqual(one, [await valuesOf(log, 'events', 0), await valuesOf(log, 'events', 1)]);
  for (const name of ['one', 'two']) {
    const own = one[0].filter((value) => value.startsWith(name));
    const numbers = Array.from({ length: TRANSACTIONS }, (_, i) => i);
    assert.deepEqual(
      own,
      numbers.flatMap((i) => [`${name}-${i}-a`, `${name}-${i}-b`]),
    );
    for (const i of numbers) {
      const first = one[0].indexOf(`${name}-${i}-a`);
      assert.equal(one[0][first + 1], `${name}-${i}-b`);
    }
  }
});

async function connected(t: Cleanup) {
  const clock = new FakeClock();
  const disk = new CrashDisk(seededRng(1));
  const owner = await openLog(t, '/disk/data', { fileSystem: disk, clock });
  await owner.admin.createTopics(EVENTS);
  const { port1, port2 } = new MessageChannel();
  serveLog(owner, port1);
  const log = connectToLog(port2);
  t.after(() => log.close());
  return { owner, log, clock, disk, port1 };
}

test('an error keeps its class, code, fields and cause across threads', async (t) => {
  const { log, disk } = await connected(t);
  const writer = await log.openWriter('w');
  writer.send([record('events/0', 'x')]);
  disk.isFull = true;
  await assert.rejects(writer.commit('group', []), (error: Error & { fields: object }) => {
    assert.deepEqual([error.name, (error as { code?: string }).code], ['RetryableError', 'TRG_LOG_FULL']);
    assert.equal((error.fields as { cause: string }).cause, 'ENOSPC');
    assert.match((error.cause as Error).message, /ENOSPC/);
    return true;
  });
});

test('a writer in one thread is fenced by one in another (P3)', async (t) => {
  const { log, owner } = await connected(t);
  const older = await log.openWriter('same');
  older.send([record('events/0', 'zombie')]);
  await owner.openWriter('same');
  await assert.rejects(older.commit('group', []), { name: 'FencedError', code: 'TRG_LOG_FENCED' });
  assert.deepEqual(await valuesOf(log, 'events'), []);
});

test('a writer goes on after its buffers went to the other thread', async (t) => {
  const { log } = await connected(t);
  const writer = await log.openWriter('w');
  for (let i = 0; i < 5; i++) {
    writer.send([record('events/0', `${i}`.repeat(20_000))]);
    await writer.commit('group', []);
  }
  const values = (await valuesOf(log, 'events')).map((value) => [value!.length, value![0]]);
  assert.deepEqual(
    values,
    Array.from({ length: 5 }, (_, i) => [20_000, `${i}`]),
  );
});

test('when the port closes, what is open fails and nobody waits on', async (t) => {
  const { log, clock, port1 } = await connected(t);
  const reader = log.openReader();
  reader.assign([{ topic: 'events', partition: 0, offset: 0 }]);
  const reading = reader.read({ maxBytes: 100, waitMs: 60_000 });
  await someoneSleeps(clock);
  port1.close();
  await assert.rejects(reading, { name: 'FatalError', code: 'TRG_LOG_CLOSED' });
  await assert.rejects(log.admin.topics(), { code: 'TRG_LOG_CLOSED' });
  await until(() => clock.sleeping === 0, { message: 'nobody sleeps on the clock', seen: () => clock.sleeping });
});
