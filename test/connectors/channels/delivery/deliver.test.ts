import assert from 'node:assert/strict';
import test from 'node:test';
import { CHANNEL_KEY } from '../../../../connectors/channels/delivery/outbox.ts';
import type { Action } from '../../../../schemas/action.ts';
import { actionCodec, ConnectorTask, makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender } from './fake-sender.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;

/** Action `id` of user `user`. */
function action(id: string, user = 'u1'): Action {
  return makeAction({ id, entity: { type: 'user', id: user } });
}

function idsOf(items: readonly { readonly action: string | Action }[]): string[] {
  return items.map(({ action }) => (typeof action === 'string' ? action : action.id));
}

test('a delivered action leaves a delivery record and nothing in the outbox', async () => {
  const task = new ConnectorTask({ channel: 'webhook', sender: new FakeSender() });
  task.read(makeAction());
  assert.equal(task.outbox('u1')?.entries.length, 1);
  assert.deepEqual([task.deliveries, [...task.counts]], [[], []]);
  await task.settle();
  assert.deepEqual(
    { ...task.deliveries[0], entity: { ...task.deliveries[0]!.entity } },
    {
      action: 'a1',
      decision: 'd1',
      rule: 'cart-abandonment',
      ruleVersion: 'abcdef012345',
      entity: { type: 'user', id: 'u1' },
      channel: 'webhook',
      at: task.clock.now(),
      outcome: 'delivered',
      reason: null,
      attempts: 1,
      attempt: 1,
      providerId: 'p1',
      flow: null,
      step: 0,
      variant: null,
      url: null,
      address: null,
      isMachine: false,
    },
  );
  assert.equal(task.deliveries.length, 1);
  assert.deepEqual(task.deadLetters, []);
  assert.equal(task.outbox('u1'), undefined);
  assert.deepEqual([...task.counts], [['delivery webhook delivered', 1]]);
});

test('a delivery goes under its entity’s key with the headers of its action', async () => {
  const task = new ConnectorTask({ channel: 'webhook', sender: new FakeSender() });
  task.read(makeAction());
  await task.settle();
  const message = task.messages[0]!;
  assert.equal(message.key, 'u1');
  assert.equal(message.timestamp, task.clock.now());
  assert.deepEqual(
    message.headers.map(([name, value]) => [name, String(value)]),
    [['traceparent', '00-1']],
  );
});

test('an entity’s next action starts only when the one before it is settled (V2)', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('a1'));
  task.read(action('a2'));
  task.read(action('b1', 'u2'));
  await task.begin();
  assert.deepEqual(sender.open, ['a1', 'b1']);
  await sender.answer('a1');
  assert.deepEqual(sender.open, ['b1', 'a2']);
});

test('an action behind one that waits for its retry waits too (V2)', async () => {
  let up = false;
  const sender = new FakeSender(() => (up ? DELIVERED : { outcome: 'retry', reason: 'HTTP 503' }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('a1'));
  await task.settle();
  task.read(action('a2'));
  await task.settle();
  assert.deepEqual(idsOf(sender.sends), ['a1']);
  up = true;
  await task.advance(15 * SECOND);
  await task.settle();
  assert.deepEqual(idsOf(task.deliveries), ['a1', 'a2']);
  assert.deepEqual(
    task.deliveries.map(({ attempts }) => attempts),
    [2, 1],
  );
});

test('a retry comes after its delay and not before', async () => {
  const sender = new FakeSender(() => ({ outcome: 'retry', reason: 'HTTP 503' }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  await task.settle();
  await task.advance(5 * SECOND - 1);
  assert.equal(sender.sends.length, 1);
  await task.advance(10 * SECOND + 1);
  assert.deepEqual(
    sender.sends.map(({ attempt }) => attempt),
    [1, 2],
  );
});

test('Retry-After replaces the next delay, also when it is shorter (B1)', async () => {
  const sender = new FakeSender(({ attempt }) =>
    attempt < 3
      ? { outcome: 'retry', reason: 'HTTP 429', retryAfterMs: attempt === 1 ? SECOND : 40 * SECOND }
      : DELIVERED,
  );
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  await task.settle();
  await task.advance(3 * SECOND);
  await task.settle();
  assert.equal(sender.sends.length, 2);
  await task.advance(39 * SECOND);
  assert.equal(sender.sends.length, 2);
  await task.advance(81 * SECOND);
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ attempts }) => attempts),
    [3],
  );
});

test('after the last retry the action is failed and a dead letter with its own bytes (V3)', async () => {
  const sender = new FakeSender(() => ({ outcome: 'retry', reason: 'HTTP 503' }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  const offset = task.read(makeAction());
  for (let i = 0; i < 20; i++) {
    await task.settle();
    await task.advance(15 * HOUR);
  }
  assert.deepEqual(
    sender.sends.map(({ action, attempt }) => [action.id, attempt]),
    [1, 2, 3, 4, 5, 6, 7].map((attempt) => ['a1', attempt]),
  );
  assert.equal(task.deliveries.length, 1);
  assert.deepEqual([...task.counts].sort(), [
    ['dead-letter TRG_DELIVERY_FAILED', 1],
    ['delivery webhook failed', 1],
    ['delivery-retry webhook', 6],
  ]);
  const [delivery] = task.deliveries;
  assert.equal(delivery!.outcome, 'failed');
  assert.equal(delivery!.reason, 'HTTP 503, after 7 attempts');
  assert.equal(delivery!.attempts, 7);
  const [letter] = task.deadLetters;
  assert.deepEqual(
    [letter!.topic, letter!.partition, letter!.offset, letter!.reason, String(letter!.key)],
    ['actions.webhook', 0, offset, 'TRG_DELIVERY_FAILED', 'u1'],
  );
  assert.deepEqual(
    letter!.headers.map(({ name }) => name),
    ['traceparent'],
  );
  assert.equal(task.outbox('u1'), undefined);
  assert.equal(task.outbox(CHANNEL_KEY), undefined);
});

test('the bytes of a dead letter can be delivered again', async () => {
  const failing = new ConnectorTask({
    channel: 'webhook',
    sender: new FakeSender(() => ({ outcome: 'failed', reason: 'HTTP 400' })),
  });
  failing.read(makeAction({ id: 'again' }));
  await failing.settle();
  const sender = new FakeSender();
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.readBytes('u1', failing.deadLetters[0]!.value!);
  await task.settle();
  assert.deepEqual(
    sender.sends.map(({ action, attempt }) => [action.id, attempt]),
    [['again', 1]],
  );
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, attempts }) => [action, outcome, attempts]),
    [['again', 'delivered', 1]],
  );
});

test('a final failure is not tried again, and its code names the dead letter', async () => {
  const sender = new FakeSender(() => ({ outcome: 'failed', reason: 'no subject', code: 'TRG_TEMPLATE_FAILED' }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  await task.settle();
  await task.advance(100 * HOUR);
  assert.deepEqual(idsOf(sender.sends), ['a1']);
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason, attempts }) => [action, outcome, reason, attempts]),
    [['a1', 'failed', 'no subject', 1]],
  );
  assert.equal(task.outbox('u1'), undefined);
  assert.deepEqual(
    task.deadLetters.map(({ reason, message }) => [reason, message]),
    [['TRG_TEMPLATE_FAILED', 'no subject']],
  );
});

test('what a sender skips counts no attempt and is no dead letter', async () => {
  const sender = new FakeSender(() => ({ outcome: 'skipped', reason: 'no address' }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ outcome, reason, attempts }) => [outcome, reason, attempts]),
    [['skipped', 'no address', 0]],
  );
  assert.deepEqual(task.deadLetters, []);
  assert.equal(task.outbox('u1'), undefined);
  assert.deepEqual([...task.counts], [['delivery webhook skipped', 1]]);
});

test('a record that is no action is a dead letter and stops nobody', async () => {
  const sender = new FakeSender();
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.readBytes('u1', Buffer.from('not Avro'));
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.deadLetters.map(({ reason, offset }) => [reason, offset]),
    [['TRG_RECORD_UNREADABLE', 0]],
  );
  assert.deepEqual(
    task.deliveries.map(({ action, outcome }) => [action, outcome]),
    [['a1', 'delivered']],
  );
  assert.deepEqual(idsOf(sender.sends), ['a1']);
  assert.equal(task.outbox('u1'), undefined);
});

test('a record read again while it is in the outbox is not sent twice', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('a1'), 5);
  task.read(action('a1'), 5);
  await sender.answer('a1');
  assert.deepEqual(idsOf(sender.sends), ['a1']);
  assert.deepEqual(idsOf(task.deliveries), ['a1']);
  assert.equal(task.outbox('u1'), undefined);
  assert.equal(task.counts.get('delivery-repeat webhook'), 1);
});

test('a channel that wants no more is disabled: what waits and what comes is skipped', async () => {
  const sender = new FakeSender(({ action }) =>
    action.id === 'gone'
      ? { outcome: 'failed', reason: 'HTTP 410', disable: true }
      : { outcome: 'retry', reason: 'HTTP 503' },
  );
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('w1', 'u1'));
  task.read(action('w2', 'u1'));
  task.read(action('gone', 'u2'));
  task.read(action('behind', 'u2'));
  await task.settle();
  task.read(action('later', 'u3'));
  await task.settle();
  await task.advance(15 * SECOND);
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason }) => [action, outcome, reason]),
    [
      ['gone', 'failed', 'HTTP 410'],
      ['behind', 'skipped', 'channel-disabled'],
      ['later', 'skipped', 'channel-disabled'],
      ['w1', 'skipped', 'channel-disabled'],
      ['w2', 'skipped', 'channel-disabled'],
    ],
  );
  assert.deepEqual(
    task.deadLetters.map(({ message }) => message),
    ['HTTP 410'],
  );
  assert.deepEqual(idsOf(sender.sends), ['w1', 'gone']);
  for (const user of ['u1', 'u2', 'u3']) assert.equal(task.outbox(user), undefined);
});

test('a disabled channel is still disabled after a restart', async () => {
  const sender = new FakeSender(() => ({ outcome: 'failed', reason: 'HTTP 410', disable: true }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('gone'));
  await task.settle();
  await task.commit();
  await task.crash();
  task.read(action('later'));
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason }) => [action, outcome, reason]),
    [
      ['gone', 'failed', 'HTTP 410'],
      ['later', 'skipped', 'channel-disabled'],
    ],
  );
  assert.deepEqual(idsOf(sender.sends), ['gone']);
  assert.equal(task.outbox('u1'), undefined);
});

test('an entity whose id is the reserved key is served like any other', async () => {
  const sender = new FakeSender(({ attempt }) =>
    attempt === 1 ? { outcome: 'retry', reason: 'HTTP 503' } : DELIVERED,
  );
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(action('odd', CHANNEL_KEY));
  task.read(action('usual', 'u1'));
  await task.settle();
  await task.commit();
  await task.crash();
  await task.advance(15 * SECOND);
  await task.settle();
  assert.deepEqual(idsOf(task.deliveries).sort(), ['odd', 'usual']);
  assert.equal(task.outbox(CHANNEL_KEY), undefined);
});

test('after a stop nothing more is begun: what is under way ends, and what is in line is sent at the next start', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender, concurrency: 1 });
  task.read(action('a1', 'u1'));
  task.read(action('b1', 'u2'));
  await task.begin();
  task.deliver.stop();
  task.read(action('c1', 'u3'));
  await sender.answer('a1');
  assert.deepEqual(idsOf(sender.sends), ['a1']);
  assert.deepEqual(idsOf(task.deliveries), ['a1']);
  await task.commit();
  await task.crash();
  await task.advance(SECOND);
  await sender.answer('b1');
  await sender.answer('c1');
  assert.deepEqual(idsOf(task.deliveries), ['a1', 'b1', 'c1']);
});

test('a dead letter goes under the partition that it came from, as those of intake do', async () => {
  const failing = new FakeSender(() => ({ outcome: 'failed', reason: 'HTTP 400' }));
  const task = new ConnectorTask({ channel: 'webhook', sender: failing });
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.messages.map(({ key, timestamp, headers }) => [key, timestamp, headers.length]),
    [
      ['u1', task.clock.now(), 1],
      ['actions.webhook/0', task.clock.now(), 0],
    ],
  );
});

test('a record without a key is in the order of its action’s entity', async () => {
  const sender = new FakeSender(null);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.readBytes(null, actionCodec.encode(action('a1')));
  task.readBytes(null, actionCodec.encode(action('a2')));
  await task.begin();
  assert.deepEqual(sender.open, ['a1']);
  await sender.answer('a1');
  await sender.answer('a2');
  assert.deepEqual(idsOf(task.deliveries), ['a1', 'a2']);
});
