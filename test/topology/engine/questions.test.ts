import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Counters } from '../../../lib/counters.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { FAKE_START, FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';
import { openEngine } from '../../../topology/engine/open-engine.ts';
import { type LookUpAnswer, Questions } from '../../../topology/engine/questions.ts';
import { requiredTopics } from '../../../topology/topics.ts';
import { reminderTopology, type Wish } from './kit.ts';

const LATER = FAKE_START + 3_600_000;

/** An engine with two tasks that commits only when it is told to. */
async function engineWith(t: TestContext, questions: Questions) {
  const clock = new FakeClock();
  const log = new MemoryLog(clock);
  const topology = reminderTopology();
  const parts = topology.subTopologies();
  await log.admin.createTopics([{ topic: 'wishes', partitions: 2 }, ...requiredTopics('test', parts, 2)]);
  const engine = await openEngine({
    log,
    topology,
    application: 'test',
    clock,
    counters: new Counters(),
    transactionalId: 'test-1',
    openStore: async () => new MemoryStore(),
    outOfOrdernessMs: 0,
    commitInterval: { minMs: 60_000, maxMs: 60_000 },
    questions,
  });
  t.after(() => engine.close());
  const wish = async (partition: number, value: Wish): Promise<void> => {
    const writer = await log.openWriter('wishes');
    const record = { topic: 'wishes', partition, timestamp: value.time, key: null, headers: [] };
    writer.send([{ ...record, value: Buffer.from(JSON.stringify(value)) }]);
    await writer.commit('wishes', []);
    await engine.poll(0);
  };
  return { engine, log, wish };
}

const textOf = ({ value }: LookUpAnswer['found'][number]): string => Buffer.from(value.subarray(9)).toString();

test('a look-up finds what the next commit will write, in the task that has it (Q1)', async (t) => {
  const questions = new Questions();
  const { engine, log, wish } = await engineWith(t, questions);
  await wish(1, { key: 'a', time: 5, due: LATER });
  const asked = questions.ask({ part: 'reminders', key: 'a' });
  await engine.poll(0);
  const { tasks, opening, isSettled, found } = await asked;
  assert.deepEqual(
    tasks.map(({ task, partition, rules, streamTime }) => [task, partition, rules, streamTime]),
    [
      ['reminders_0', 0, 0, tasks[0]!.streamTime],
      ['reminders_1', 1, 0, tasks[1]!.streamTime],
    ],
  );
  assert.deepEqual([opening, isSettled], [[], true]);
  assert.deepEqual(
    found.map((each) => [each.task, textOf(each)]),
    [['reminders_1', String(LATER)]],
  );
  assert.equal((await log.admin.offsets({ topic: 'test-reminders-changelog', partition: 1 })).end, 0);
});

test('nothing is found of a key that nobody has, nor of another part', async (t) => {
  const questions = new Questions();
  const { engine, wish } = await engineWith(t, questions);
  await wish(0, { key: 'a', time: 5, due: LATER });
  const asked = [
    { part: 'reminders', key: 'b' },
    { part: 'others', key: 'a' },
    { part: 'reminders', key: null },
  ];
  const answers = Promise.all(asked.map((each) => questions.ask(each)));
  await engine.poll(0);
  const [absent, elsewhere, standing] = await answers;
  assert.deepEqual(absent!.found, []);
  assert.deepEqual([elsewhere!.tasks, elsewhere!.found], [[], []]);
  assert.deepEqual([standing!.tasks.length, standing!.found], [2, []]);
});

test('a question ends the wait of an idle engine', async (t) => {
  const questions = new Questions();
  const { engine } = await engineWith(t, questions);
  await engine.poll(0);
  // The clock stands still: without being woken this would wait for ever.
  const waiting = engine.poll(60_000);
  const asked = questions.ask({ part: 'reminders', key: 'a' });
  await waiting;
  await engine.poll(0);
  assert.deepEqual((await asked).found, []);
});

test('what waits is bounded, and what is answered in a turn is too (Q3)', async (t) => {
  const questions = new Questions();
  const { engine } = await engineWith(t, questions);
  let answered = 0;
  const asked = Array.from({ length: 64 }, () =>
    questions.ask({ part: 'reminders', key: 'a' }).then(() => {
      answered++;
    }),
  );
  await assert.rejects(questions.ask({ part: 'reminders', key: 'a' }), { code: 'TRG_WORKER_BUSY' });
  await engine.poll(0);
  assert.equal(answered, 16);
  while (questions.isAny) await engine.poll(0);
  await Promise.all(asked);
});

test('whoever asks a thread that has ended is told so, also who asked before', async () => {
  const questions = new Questions();
  const before = questions.ask({ part: 'reminders', key: 'a' });
  questions.close();
  await assert.rejects(before, { code: 'TRG_TASK_MOVING' });
  await assert.rejects(questions.ask({ part: 'reminders', key: 'a' }), { code: 'TRG_TASK_MOVING' });
});
