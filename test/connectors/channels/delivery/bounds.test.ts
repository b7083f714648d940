import assert from 'node:assert/strict';
import test from 'node:test';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { actionCodec, ConnectorTask, makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender } from './fake-sender.ts';

function readMany(task: ConnectorTask, count: number): void {
  for (let i = 0; i < count; i++) task.read(makeAction({ id: `a${i}`, entity: { type: 'user', id: `u${i}` } }));
}

test('never more sends than `concurrency` are under way, and all are made (V4)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender, concurrency: 3 });
  readMany(task, 10);
  await task.begin();
  const done: string[] = [];
  while (sender.open.length > 0) {
    assert.ok(sender.open.length <= 3);
    done.push(sender.open[0]!);
    await sender.answer(sender.open[0]!);
  }
  assert.deepEqual(
    done,
    Array.from({ length: 10 }, (_, i) => `a${i}`),
  );
});

test('the task is busy while senders and line are full, and no longer (V4)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender, concurrency: 2, queueMax: 3 });
  readMany(task, 4);
  assert.equal(task.deliver.busy(), false);
  task.read(makeAction({ id: 'a4', entity: { type: 'user', id: 'u4' } }));
  assert.equal(task.deliver.busy(), true);
  await sender.answer('a0');
  assert.equal(task.deliver.busy(), false);
});

test('the task is busy while too many entities wait for a retry, also after a restart (V4)', async () => {
  let answer: SendResult = { outcome: 'retry', reason: 'HTTP 503' };
  const sender = new FakeSender(() => answer);
  const task = new ConnectorTask({ channel: 'webhook', sender, maxParked: 3 });
  readMany(task, 3);
  await task.settle();
  assert.equal(task.deliver.busy(), true);
  await task.commit();
  await task.crash();
  assert.equal(task.deliver.busy(), true);
  answer = DELIVERED;
  await task.advance(15_000);
  await task.settle();
  assert.equal(task.deliver.busy(), false);
  assert.deepEqual(task.deliveries.map(({ action, outcome }) => `${action} ${outcome}`).sort(), [
    'a0 delivered',
    'a1 delivered',
    'a2 delivered',
  ]);
});

test('an entity with too many undelivered actions loses the newest to the dead letters, in the open (V4)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender, maxPerEntity: 2 });
  for (const id of ['a1', 'a2', 'a3']) task.read(makeAction({ id }));
  assert.deepEqual(
    task.deliveries.map(({ action, outcome }) => [action, outcome]),
    [['a3', 'failed']],
  );
  assert.deepEqual(
    task.deadLetters.map(({ reason, message, value }) => [reason, message, actionCodec.decode(value!).id]),
    [['TRG_DELIVERY_FAILED', '2 earlier actions of this entity are undelivered', 'a3']],
  );
  assert.equal(task.outbox('u1')?.entries.length, 2);
  await sender.answer('a1');
  await sender.answer('a2');
  assert.deepEqual(
    task.deliveries.map(({ action, outcome }) => [action, outcome]),
    [
      ['a3', 'failed'],
      ['a1', 'delivered'],
      ['a2', 'delivered'],
    ],
  );
});

test('a send that takes hours costs a handful of due calls and is made once (O1)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  for (let second = 0; second < 7_200; second++) await task.advance(1_000);
  assert.ok(task.dueCalls > 0 && task.dueCalls <= 14, `${task.dueCalls} due calls`);
  assert.equal(sender.sends.length, 1);
  await sender.answer('a1');
  assert.equal(task.outbox('u1'), undefined);
});
