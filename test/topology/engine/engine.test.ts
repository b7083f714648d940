import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Counters } from '../../../lib/counters.ts';
import { noteKey } from '../../../state/store/key-codec.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { FAKE_START, FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';
import { TestDriver, type TestDriverOptions } from '../../../testing/test-driver.ts';
import { journalCodec } from '../../../topology/engine/journal.ts';
import { EngineMonitor } from '../../../topology/engine/monitor.ts';
import { type OpenEngineOptions, openEngine } from '../../../topology/engine/open-engine.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { changelogTopic } from '../../../topology/engine/topics.ts';
import { requiredTopics } from '../../../topology/topics.ts';
import { reminderTopology, type Wish } from './kit.ts';

async function open(t: TestContext, options: Partial<TestDriverOptions> = {}): Promise<TestDriver> {
  const driver = await TestDriver.open({ topology: () => reminderTopology(), outOfOrdernessMs: 0, ...options });
  t.after(() => driver.close());
  return driver;
}

async function wish(driver: TestDriver, ...wishes: readonly Wish[]): Promise<void> {
  await driver.pipe('wishes', ...wishes.map((each) => ({ key: each.key ?? null, value: JSON.stringify(each) })));
}

async function out(driver: TestDriver): Promise<string[]> {
  return (await driver.read('out')).map(({ value }) => Buffer.from(value!).toString());
}

/** The log, and how many records each transaction had. */
function weighed(log: Log): { log: Log; sizes: number[] } {
  const sizes: number[] = [];
  const openWriter: Log['openWriter'] = async (id) => {
    const writer = await log.openWriter(id);
    let records = 0;
    return {
      send: (some) => {
        const list = [...some];
        records += list.length;
        writer.send(list);
      },
      commit: (group, positions) => {
        sizes.push(records);
        records = 0;
        return writer.commit(group, positions);
      },
      abort: () => writer.abort(),
      close: () => writer.close(),
    };
  };
  return { log: { admin: log.admin, openReader: () => log.openReader(), close: () => log.close(), openWriter }, sizes };
}

/** The log, whose commits for the group `test` wait while they are held. */
function held(log: Log): { log: Log; hold: () => () => void; begun: () => number } {
  let free = Promise.resolve();
  let begun = 0;
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    free = promise;
    return resolve;
  };
  const openWriter: Log['openWriter'] = async (id) => {
    const writer = await log.openWriter(id);
    return {
      send: (records) => writer.send(records),
      commit: async (group, positions, member) => {
        if (group === 'test') {
          begun++;
          await free;
        }
        return writer.commit(group, positions, member);
      },
      abort: () => writer.abort(),
      close: () => writer.close(),
    };
  };
  const holding = { admin: log.admin, openReader: () => log.openReader(), close: () => log.close(), openWriter };
  return { log: holding, hold, begun: () => begun };
}

test('what was caught up with is committed after minMs, what came of a backlog after maxMs', async (t) => {
  for (const { wishes, afterMs } of [
    { wishes: 1, afterMs: 100 },
    { wishes: 10, afterMs: 1_000 },
  ]) {
    const clock = new FakeClock();
    const { log, begun } = held(new MemoryLog(clock));
    const driver = await open(t, { clock, log, fetchBytesMax: 1, commitInterval: { minMs: 100, maxMs: 1_000 } });
    await driver.run();
    const before = begun();
    await wish(driver, ...Array.from({ length: wishes }, (_, i) => ({ key: `k${i}`, time: FAKE_START })));
    await driver.poll();
    await clock.advance(afterMs - 1);
    await driver.poll();
    assert.deepEqual([begun() - before, await out(driver)], [0, []], `${wishes} wishes, too early`);
    await clock.advance(1);
    await driver.poll();
    assert.equal(begun() - before, 1, `${wishes} wishes, in time`);
  }
});

test('steps are taken while the log is at a commit, and are the next one’s (Y4)', async (t) => {
  const clock = new FakeClock();
  const { log, hold, begun } = held(new MemoryLog(clock));
  const driver = await open(t, { clock, log, writeBackMs: 1e12 });
  await driver.run();
  const before = begun();
  const release = hold();
  for (const key of ['a', 'b', 'c']) {
    await wish(driver, { key, time: FAKE_START });
    assert.equal(await driver.poll(), true);
  }
  assert.equal(begun(), before + 1);
  assert.deepEqual(await out(driver), []);
  release();
  await driver.run();
  assert.deepEqual(await out(driver), ['saw a', 'saw b', 'saw c']);
  assert.equal(begun(), before + 2);
});

test('a commit that fails while steps are taken ends the engine’s life, and nothing is done twice (Y2, Y4)', async (t) => {
  const driver = await open(t, { writeBackMs: 1e12 });
  await driver.run();
  const { lives } = driver;
  await wish(driver, { key: 'a', time: FAKE_START, due: FAKE_START + 1_000 }, { key: 'b', time: FAKE_START });
  driver.crashes.arm(1, 'before');
  assert.equal(await driver.poll(), true);
  assert.equal(driver.lives, lives);
  await wish(driver, { key: 'c', time: FAKE_START });
  await driver.run();
  assert.equal(driver.lives, lives + 1);
  await driver.advanceWallClock(2_000);
  assert.deepEqual(await out(driver), ['saw b', 'saw c', `due a@${FAKE_START + 1_000}`]);
});

test('many timers due at once are committed in transactions of bounded size, each fired once (Y3)', async (t) => {
  const count = 500;
  const clock = new FakeClock();
  const { log, sizes } = weighed(new MemoryLog(clock));
  // Room for some twenty documents that were not stored yet.
  const driver = await open(t, { dirtyBytesMax: 50_000, clock, log });
  const wishes = Array.from({ length: count }, (_, i) => ({
    key: `k${String(i).padStart(3, '0')}`,
    time: FAKE_START,
    due: FAKE_START + 1_000,
  }));
  for (const each of wishes) await wish(driver, each);
  await driver.run();
  assert.deepEqual(await out(driver), []);
  sizes.length = 0;
  await driver.advanceWallClock(2_000);
  assert.deepEqual(
    await out(driver),
    wishes.map(({ key, due }) => `due ${key}@${due}`),
  );
  const written = sizes.filter((size) => size > 0);
  assert.ok(written.length >= 5, `${written}`);
  assert.ok(Math.max(...written) < count / 2, `${written}`);
});

test('a store is behind what was committed for a while, and a crash meanwhile loses nothing (Y1)', async (t) => {
  const driver = await open(t, { writeBackMs: 5_000 });
  const task = 'reminders_0';
  await wish(driver, { key: 'a', time: FAKE_START, due: FAKE_START + 60_000 });
  await driver.run();
  assert.equal(await driver.stored(task, 'a'), undefined);
  await driver.advanceWallClock(5_000);
  assert.ok((await driver.stored(task, 'a')) !== undefined);
  await wish(driver, { key: 'b', time: FAKE_START, due: FAKE_START + 60_000 });
  await driver.run();
  await driver.crash();
  assert.equal(await driver.stored(task, 'b'), undefined);
  await driver.advanceWallClock(60_000);
  assert.deepEqual(await out(driver), [`due a@${FAKE_START + 60_000}`, `due b@${FAKE_START + 60_000}`]);
});

test('a worker that is told to stop leaves its stores up to date', async (t) => {
  const driver = await open(t, { writeBackMs: 1e12 });
  await wish(driver, { key: 'a', time: FAKE_START, due: FAKE_START + 60_000 });
  await driver.run();
  await driver.drain();
  assert.ok((await driver.stored('reminders_0', 'a')) !== undefined);
});

test('a commit writes outputs, changelog, journal and position together, or nothing (Y1)', async (t) => {
  const driver = await open(t);
  await wish(driver, { key: 'a', time: FAKE_START, due: FAKE_START + 1_000 }, { key: 'b', time: FAKE_START });
  driver.crashes.arm(0, 'before');
  await driver.poll();
  assert.deepEqual(await out(driver), []);
  await driver.run();
  assert.deepEqual(await out(driver), ['saw b']);
  assert.equal((await driver.read(changelogTopic('test', 'reminders'))).length, 1);
  const journal = (await driver.read('test-journal')).map(({ value }) => journalCodec.decode(value!));
  const reads = journal.flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'read'));
  assert.deepEqual(
    reads.map(({ input, value }) => ({ input, value })),
    [{ input: 0, value: 2 }],
  );
  const [position] = await driver.log.admin.committed('test', [{ topic: 'wishes', partition: 0 }]);
  assert.equal(position?.offset, 2);
  assert.equal(JSON.parse(position!.metadata).wall, FAKE_START);
});

test('an idle engine writes nothing, however long the clock goes on', async (t) => {
  const driver = await open(t);
  await wish(driver, { key: 'b', time: FAKE_START });
  await driver.run();
  const records = (await driver.read('test-journal')).length;
  for (let i = 0; i < 5; i++) await driver.advanceWallClock(60_000);
  assert.ok(records > 0);
  assert.equal((await driver.read('test-journal')).length, 0);
});

/** An engine on a log that already holds three reminders in its changelog, with stores of the test's. */
async function afterThreeReminders(t: TestContext) {
  const clock = new FakeClock();
  const log = new MemoryLog(clock);
  const first = await TestDriver.open({ topology: () => reminderTopology(), outOfOrdernessMs: 0, clock, log });
  for (const key of ['a', 'b', 'c']) await wish(first, { key, time: FAKE_START, due: FAKE_START + 1_000 });
  await first.run();
  await first.crash();
  t.after(() => log.close());
  const counters = new Counters();
  const restored = (): number => counters.total('restored-records');
  const openWith = async (store: MemoryStore, options: Partial<OpenEngineOptions> = {}) => {
    const engine = await openEngine({
      log,
      topology: reminderTopology(),
      application: 'test',
      clock,
      counters,
      monitor: new EngineMonitor({ clock, counters }),
      transactionalId: 'test-1',
      openStore: async () => store,
      outOfOrdernessMs: 0,
      commitInterval: { minMs: 0, maxMs: 0 },
      ...options,
    });
    t.after(() => engine.close());
    return engine;
  };
  return { log, restored, openWith };
}

async function contentOf(store: MemoryStore) {
  const entries = await store.range(Uint8Array.of(0), Uint8Array.of(255), 100);
  return entries.map(({ key, value }) => [Buffer.from(key).toString('latin1'), Buffer.from(value).toString('latin1')]);
}

test('an empty database is filled from the changelog, and one that is up to date reads nothing', async (t) => {
  const { restored, openWith } = await afterThreeReminders(t);
  const store = new MemoryStore();
  await openWith(store);
  await openWith(store);
  assert.equal(restored(), 3);
  assert.equal((await contentOf(store)).filter(([key]) => key!.startsWith('e')).length, 3);
});

test('a database of another application is cleared and rebuilt', async (t) => {
  const { restored, openWith } = await afterThreeReminders(t);
  const clean = new MemoryStore();
  await openWith(clean);
  const foreign = new MemoryStore();
  await foreign.write([
    { key: noteKey('owner'), value: Buffer.from('other/reminders_0') },
    { key: Buffer.from('ezombie'), value: Buffer.from('left over') },
  ]);
  await openWith(foreign);
  assert.deepEqual(await contentOf(foreign), await contentOf(clean));
  assert.equal(restored(), 6);
});

test('a database newer than its changelog is of another log, and is cleared and rebuilt', async (t) => {
  const { openWith } = await afterThreeReminders(t);
  const clean = new MemoryStore();
  await openWith(clean);
  const newer = new MemoryStore();
  const offset = Buffer.alloc(8);
  offset.writeDoubleBE(1_000);
  await newer.write([
    { key: noteKey('changelog-offset'), value: offset },
    { key: Buffer.from('ezombie'), value: Buffer.from('left over') },
  ]);
  await openWith(newer);
  assert.deepEqual(await contentOf(newer), await contentOf(clean));
});

test('a topic that is missing is named', async (t) => {
  const clock = new FakeClock();
  const log = new MemoryLog(clock);
  t.after(() => log.close());
  await log.admin.createTopics(requiredTopics('test', reminderTopology().subTopologies(), 1));
  const driver = await TestDriver.open({ topology: () => reminderTopology(), clock, log });
  driver.use(() => reminderTopology(['elsewhere']));
  await assert.rejects(driver.run(), /topic elsewhere does not exist; create it first/);
});
