import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ConnectorTask, makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender } from './fake-sender.ts';

const DAY = 86_400_000;

test('what was being sent at a crash is sent again at once after it, under the same id (V1)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction({ id: 'a1' }));
  task.read(makeAction({ id: 'a2' }));
  await task.begin();
  await task.commit();
  await task.crash();
  await task.advance(1_000);
  await task.begin();
  assert.deepEqual(
    sender.sends.map(({ action, attempt }) => [action.id, attempt]),
    [
      ['a1', 1],
      // The one that the crash cut short counts.
      ['a1', 2],
    ],
  );
  await sender.answer('a1');
  await sender.answer('a2');
  assert.deepEqual(
    task.deliveries.map(({ action }) => action),
    ['a1', 'a2'],
  );
});

test('a new action for an entity restored after a crash goes behind the one that was being sent', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction({ id: 'a1' }));
  await task.begin();
  await task.commit();
  await task.crash();
  task.read(makeAction({ id: 'a2' }));
  await task.begin();
  assert.deepEqual(
    sender.sends.map(({ action }) => action.id),
    ['a1', 'a1'],
  );
  await sender.answer('a1');
  assert.deepEqual(sender.open, ['a2']);
});

test('a retry waits for its time across a restart, and knows how often it was tried', async () => {
  const sender = new FakeSender(({ attempt }) => (attempt < 3 ? { outcome: 'retry', reason: 'HTTP 503' } : DELIVERED));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  await task.settle();
  await task.commit();
  await task.crash();
  await task.advance(4_999);
  assert.equal(sender.sends.length, 1);
  await task.advance(10_001);
  await task.settle();
  await task.commit();
  await task.crash();
  await task.advance(900_000);
  await task.settle();
  assert.deepEqual(
    sender.sends.map(({ attempt }) => attempt),
    [1, 2, 3],
  );
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, attempts }) => [action, outcome, attempts]),
    [['a1', 'delivered', 3]],
  );
  assert.equal(task.outbox('u1'), undefined);
});

test('a crash before the commit forgets what was read since, and the same record is then taken anew', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  const offset = task.read(makeAction());
  await task.begin();
  await task.crash();
  sender.drop();
  assert.equal(task.outbox('u1'), undefined);
  task.read(makeAction(), offset);
  await sender.answer('a1');
  assert.deepEqual(
    task.deliveries.map(({ action, outcome }) => [action, outcome]),
    [['a1', 'delivered']],
  );
  assert.equal(task.outbox('u1'), undefined);
});

test('an action accepted and settled between two commits leaves no trace on disk (O2)', async () => {
  const task = new ConnectorTask({ channel: 'webhook', sender: new FakeSender() });
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ action }) => action),
    ['a1'],
  );
  assert.equal(await task.commit(), 0);
});

// Any interleaving of reads, answers, waits, commits and crashes: per entity the order of reading is the order of
// settling, and in the end every action is settled. A crash takes back what came after the last commit, so the model
// reads again from there, as the runtime does.
test('order per entity is kept and no action is lost, whatever happens when (V1, V2, V3)', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), user: fc.integer({ min: 0, max: 3 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(5), ok: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 600_000 }) }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'commit' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const sender = new FakeSender(null);
      const task = new ConnectorTask({ channel: 'webhook', sender, concurrency: 2 });
      const log: { id: string; user: string }[] = [];
      let committed = { read: 0, deliveries: 0 };
      let next = 0;
      const readOn = (upTo: number): void => {
        for (; next < upTo; next++) {
          const { id, user } = log[next]!;
          task.read(makeAction({ id, entity: { type: 'user', id: user } }), next);
        }
      };
      for (const one of steps) {
        if (one.do === 'read') {
          log.push({ id: `a${log.length}`, user: `u${one.user}` });
          readOn(log.length);
        } else if (one.do === 'answer') {
          const id = sender.open[one.which];
          if (id !== undefined) await sender.answer(id, one.ok ? DELIVERED : { outcome: 'retry', reason: 'HTTP 500' });
        } else if (one.do === 'advance') {
          await task.advance(one.ms);
        } else if (one.do === 'commit') {
          committed = { read: next, deliveries: task.deliveries.length };
          await task.commit();
        } else {
          sender.drop();
          await task.crash();
          task.deliveries.length = committed.deliveries;
          next = committed.read;
          readOn(log.length);
        }
        assert.ok(sender.open.length <= 2);
      }
      for (let turn = 0; turn < 1_000 && task.deliveries.length < log.length; turn++) {
        for (const id of sender.open) await sender.answer(id);
        await task.advance(DAY);
      }
      for (const user of new Set(log.map((read) => read.user))) {
        const settled = task.deliveries.filter(({ entity }) => entity.id === user).map(({ action }) => action);
        const read = log.filter((one) => one.user === user).map(({ id }) => id);
        assert.deepEqual(settled, read);
        assert.equal(task.outbox(user), undefined);
      }
      assert.deepEqual(sender.open, []);
    }),
    { numRuns: 200 },
  );
});
