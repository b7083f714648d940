import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Text } from '../../../lib/bytes.ts';
import { Counters } from '../../../lib/counters.ts';
import type { DeadLetter } from '../../../schemas/dead-letter.ts';
import { CachedDocumentStore } from '../../../state/store/document-store.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { Task, type TaskOptions } from '../../../topology/engine/task.ts';
import { TaskQueue } from '../../../topology/engine/task-queue.ts';
import { reminderTopology, type Wish, wishRecord } from './kit.ts';

const WALL = 1_000_000;

function taskOf(options: Partial<TaskOptions> & { sources?: readonly string[]; takesRefused?: boolean } = {}) {
  const { sources = ['wishes'], takesRefused = true } = options;
  const part = reminderTopology(sources, takesRefused).subTopologies()[0]!;
  const store = new MemoryStore();
  const documents = new CachedDocumentStore(store, part.store!.spec.documents, { cacheBytes: 1e6 });
  const out: unknown[] = [];
  const counters = new Counters();
  const task = new Task({
    id: 'reminders_0',
    partition: 0,
    part,
    inputs: sources.map((topic) => ({ topic, partition: 0, upstream: null })),
    outOfOrdernessMs: 0,
    documents,
    counters,
    emit: (_sink, { value }) => out.push(value),
    ...options,
  });
  let offset = 0;
  const read = async (wish: Wish): Promise<void> => {
    if (task.read(0, wishRecord(offset++, wish))) await task.settle();
  };
  const commit = async () => {
    const { steps, changes } = task.prepareCommit();
    const changed = Array.from(changes, ({ key }) => utf8Text(key));
    task.committed();
    await task.writeBack();
    return { steps, changed };
  };
  return { task, documents, out, counters, read, commit };
}

test('after each step everything due by then has been handed out, in order of due time and key (X2)', async () => {
  const { task, out, read } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  await read({ key: 'b', time: 10, due: 50 });
  await read({ key: 'a', time: 10, due: 50 });
  await read({ key: 'c', time: 10, due: 40 });
  assert.deepEqual(out, []);
  await read({ key: 'x', time: 51 });
  assert.deepEqual(out, ['saw x', 'due c@40', 'due a@50', 'due b@50']);
});

test('what comes due all at once is handed out a part at a time, so that other tasks have their turns between', async () => {
  const { task, out, read } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  const count = 1_700;
  const key = (i: number): string => `k${String(i).padStart(4, '0')}`;
  for (let i = 0; i < count; i++) await read({ key: key(i), time: 10, due: 50 });
  assert.equal(task.end(0, 60), true);
  const parts: number[] = [];
  do parts.push(out.length);
  while (!(await task.settleSome()));
  assert.equal(task.isSettling, false);
  assert.ok(parts.length >= 3 && Math.max(...parts) < count, `${parts}`);
  assert.deepEqual(
    out,
    Array.from({ length: count }, (_, i) => `due ${key(i)}@50`),
  );
});

test('what is due at t waits until stream time has come to t: one event stamped t may follow another', async () => {
  const { task, out, read } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  await read({ key: 'a', time: 10, due: 50 });
  await read({ key: 'x', time: 50 });
  assert.equal(task.streamTime, 49);
  assert.deepEqual(out, ['saw x']);
});

test('a refused record becomes a dead letter with its place and is counted by reason; the next one is processed', async () => {
  const { task, out, counters, read } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  await read({ time: 10 });
  await read({ key: 'x', time: 20 });
  const [letter, saw] = out as [DeadLetter, string];
  assert.deepEqual(
    [letter.topic, letter.partition, letter.offset, letter.reason, letter.at],
    ['wishes', 0, 0, 'TRG_RECORD_INVALID', WALL],
  );
  assert.equal(saw, 'saw x');
  assert.equal(counters.by('dead-letter', 'reason').get('TRG_RECORD_INVALID'), 1);
});

test('a bug of a processor stops the task instead of losing the record', async () => {
  const { read } = taskOf();
  await assert.rejects(read({ key: 'x', time: 10, fails: true }), /a bug/);
});

test('where nothing takes refused records, a refusal stops the task too', async () => {
  const { read } = taskOf({ takesRefused: false });
  await assert.rejects(read({ time: 10 }), /no key/);
});

test('a commit has the steps, with reads in a row as one, and the documents that changed', async () => {
  const { task, read, commit } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  await read({ key: 'a', time: 10, due: 500 });
  await read({ key: 'b', time: 11, due: 500 });
  if (task.end(0, 100)) await task.settle();
  const { steps, changed } = await commit();
  assert.deepEqual(steps, [
    { kind: 'wall', input: -1, value: WALL },
    { kind: 'read', input: 0, value: 2 },
    { kind: 'end', input: 0, value: 100 },
  ]);
  assert.deepEqual(changed, ['a', 'b']);
  assert.equal(task.hasUncommitted, false);
  assert.deepEqual((await commit()).steps, []);
});

test('documents due before the task lived are read from the store and handed out', async () => {
  const { task, documents, out, read, commit } = taskOf();
  if (task.advanceWall(WALL)) await task.settle();
  await read({ key: 'a', time: 10, due: 50 });
  await commit();
  const next = taskOf({ documents: documents });
  if (next.task.advanceWall(WALL)) await next.task.settle();
  assert.equal(next.task.dueWhenIdle(60), true);
  if (next.task.end(0, 60)) await next.task.settle();
  assert.deepEqual([out, next.out], [[], ['due a@50']]);
});

test('of several inputs the one whose next record is the oldest goes first, of equals the first input (Q1)', () => {
  const { task, out } = taskOf({ sources: ['one', 'two'] });
  const queue = new TaskQueue(task, [0, 0]);
  const fetched = (topic: string, ...times: readonly number[]) => ({
    topic,
    partition: 0,
    records: times.map((time, i) => wishRecord(i, { key: `${topic}${time}`, time })),
    nextOffset: times.length,
    endOffset: times.length,
  });
  queue.add(0, fetched('one', 20, 10, 40), 100);
  queue.add(1, fetched('two', 20, 30), 100);
  assert.equal(queue.process(2), false);
  assert.deepEqual(queue.positions, [2, 0]);
  queue.process(10);
  assert.deepEqual(out, ['saw one20', 'saw one10', 'saw two20', 'saw two30', 'saw one40']);
  assert.deepEqual([queue.positions, queue.isEmpty, queue.isAtEnd], [[3, 2], true, true]);
});

test('a queue’s position passes what no reader sees at the end of a fetch, and only then is the input at its end', () => {
  const { task } = taskOf();
  const queue = new TaskQueue(task, [0]);
  queue.add(
    0,
    { topic: 'wishes', partition: 0, records: [wishRecord(3, { key: 'a', time: 1 })], nextOffset: 6, endOffset: 9 },
    50,
  );
  assert.equal(queue.isAtEnd, false);
  queue.process(10);
  assert.deepEqual(queue.positions, [6]);
  queue.add(0, { topic: 'wishes', partition: 0, records: [], nextOffset: 9, endOffset: 9 }, 60);
  queue.process(10);
  assert.deepEqual([queue.positions, queue.isAtEnd], [[9], true]);
});
