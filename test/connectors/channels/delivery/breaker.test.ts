import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from '../../../../connectors/channels/delivery/breaker.ts';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { ConnectorTask, makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender } from './fake-sender.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const DOWN: SendResult = { outcome: 'retry', reason: 'HTTP 503' };

function opened() {
  const clock = new FakeClock();
  const breaker = new Breaker(clock, seededRng(1));
  for (let i = 0; i < 10; i++) breaker.report(breaker.take()!, DOWN);
  return { clock, breaker };
}

function readMany(task: ConnectorTask, from: number, to: number, fields: Parameters<typeof makeAction>[0] = {}): void {
  for (let i = from; i < to; i++)
    task.read(makeAction({ id: `a${i}`, entity: { type: 'user', id: `u${i}` }, ...fields }));
}

test('ten failures in a row open it, nine do not, and a refused message says that the provider is there (C1)', () => {
  const breaker = new Breaker(new FakeClock(), seededRng(1));
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 9; i++) breaker.report('usual', DOWN);
    breaker.report('usual', { outcome: 'failed', reason: 'HTTP 400' });
  }
  assert.equal(breaker.openedAt, null);
  for (let i = 0; i < 10; i++) breaker.report('usual', DOWN);
  assert.notEqual(breaker.openedAt, null);
  assert.equal(breaker.take(), null);
});

test('while it is open one probe at a time is let through, ever later, and never later than 36 s (C2)', async () => {
  const { clock, breaker } = opened();
  const gaps: number[] = [];
  for (let last = clock.now(); gaps.length < 8; ) {
    let ticket = breaker.take();
    while (ticket === null) {
      await clock.advance(100);
      ticket = breaker.take();
    }
    gaps.push(clock.now() - last);
    last = clock.now();
    assert.equal(ticket, 'probe');
    assert.equal(breaker.take(), null);
    breaker.report(ticket, DOWN);
  }
  assert.ok(gaps[0]! >= 5 * SECOND && gaps[0]! <= 6.1 * SECOND, String(gaps));
  assert.ok(gaps.at(-1)! >= 30 * SECOND && gaps.at(-1)! <= 36.1 * SECOND, String(gaps));
});

test('a probe that succeeds closes it, and who listens is told of probes and of the end (C3)', async () => {
  const { clock, breaker } = opened();
  const news: string[] = [];
  const unlisten = breaker.listen((each) => news.push(each));
  await clock.advance(7 * SECOND);
  assert.deepEqual(news, ['probe']);
  breaker.report(breaker.take()!, DELIVERED);
  assert.deepEqual(news, ['probe', 'release']);
  assert.equal(breaker.take(), 'usual');
  unlisten();
  breaker.release();
  await clock.advance(MINUTE);
  assert.equal(news.length, 2);
});

test('while the provider is down only probes are made, and when it is back all go at once, none twice (V5)', async () => {
  let isUp = false;
  const sender = new FakeSender(() => (isUp ? DELIVERED : DOWN));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  readMany(task, 0, 200);
  for (let minute = 0; minute < 60; minute++) {
    await task.advance(MINUTE);
    await task.settle();
  }
  // 32 were under way before it was known, then about two probes a minute.
  assert.ok(sender.sends.length < 32 + 10 + 150, `${sender.sends.length} attempts`);
  assert.deepEqual(task.deliveries, []);
  isUp = true;
  const before = sender.sends.length;
  await task.advance(40 * SECOND);
  await task.begin();
  await task.settle();
  await task.begin();
  await task.settle();
  assert.equal(task.deliveries.length, 200);
  assert.equal(sender.sends.length - before, 200);
  assert.equal(new Set(task.deliveries.map(({ action }) => action)).size, 200);
});

test('what the provider asked to wait for keeps its time when the breaker closes (V5)', async () => {
  let isUp = false;
  const sender = new FakeSender(() => (isUp ? DELIVERED : { ...DOWN, retryAfterMs: 10 * MINUTE }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  readMany(task, 0, 12);
  await task.settle();
  isUp = true;
  task.breaker.release();
  await task.begin();
  await task.settle();
  assert.equal(task.deliveries.length, 0);
  await task.advance(16 * MINUTE);
  await task.settle();
  assert.equal(task.deliveries.length, 12);
});

test('with a further channel nobody waits longer than fallbackAfter: one last attempt then, and the next channel (V6)', async () => {
  const sender = new FakeSender(() => DOWN);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction({ fallback: ['email'] }));
  task.read(makeAction({ id: 'alone', entity: { type: 'user', id: 'u2' } }));
  await task.settle();
  const times: number[] = [];
  const start = task.clock.now();
  for (let step = 0; step < 16 * 60 && task.deliveries.length === 0; step++) {
    const before = sender.sends.length;
    await task.advance(SECOND);
    await task.settle();
    if (sender.sends.slice(before).some(({ action }) => action.id === 'a1')) times.push(task.clock.now() - start);
  }
  assert.equal(times.at(-1), 15 * MINUTE);
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason }) => [action, outcome, reason]),
    [['a1', 'failed', `HTTP 503, after ${times.length + 1} attempts`]],
  );
});

test('while the provider has been down for fallbackAfter, what has a further channel is not tried at all (V6)', async () => {
  const sender = new FakeSender(() => DOWN);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  readMany(task, 0, 20);
  for (let minute = 0; minute < 16; minute++) {
    await task.advance(MINUTE);
    await task.settle();
  }
  const before = sender.sends.length;
  readMany(task, 100, 150, { fallback: ['email'] });
  await task.settle();
  assert.equal(task.deliveries.length, 50);
  assert.ok(task.deliveries.every(({ outcome, reason }) => outcome === 'failed' && /another channel/.test(reason!)));
  assert.ok(sender.sends.length - before <= 1);
});

test('what waits for the provider expires in its time, without an attempt', async () => {
  const sender = new FakeSender(() => DOWN);
  const task = new ConnectorTask({ channel: 'webhook', sender });
  readMany(task, 0, 12);
  await task.settle();
  const before = sender.sends.length;
  task.read(
    makeAction({ id: 'short', entity: { type: 'user', id: 'short' }, validUntil: task.clock.now() + 3 * SECOND }),
  );
  await task.settle();
  await task.advance(3 * SECOND + 1);
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason, attempts }) => [action, outcome, reason, attempts]),
    [['short', 'skipped', 'expired', 0]],
  );
  assert.equal(sender.sends.length, before);
});

test('a retry that would come after its message is no longer valid is told as expired then', async () => {
  const sender = new FakeSender(() => ({ ...DOWN, retryAfterMs: 60 * MINUTE }));
  const task = new ConnectorTask({ channel: 'webhook', sender });
  task.read(makeAction({ validUntil: task.clock.now() + MINUTE }));
  await task.settle();
  await task.advance(MINUTE + 1);
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ outcome, reason, attempts }) => [outcome, reason, attempts]),
    [['skipped', 'expired', 1]],
  );
  assert.equal(sender.sends.length, 1);
});

test('a provider that comes back for one message and goes again stops the others, and loses none', async () => {
  let answers = 0;
  let up = 0;
  const sender = new FakeSender(() => (answers++ < up ? DELIVERED : DOWN));
  const task = new ConnectorTask({ channel: 'webhook', sender, concurrency: 4, queueMax: 4 });
  readMany(task, 0, 100);
  await task.settle();
  for (let round = 0; round < 40 && task.deliveries.length < 60; round++) {
    // It answers four times, then no more.
    up = answers + 4;
    await task.advance(37 * SECOND);
    await task.begin();
    await task.settle();
  }
  assert.ok(task.deliveries.length >= 60, `${task.deliveries.length} deliveries`);
  up = Infinity;
  for (let round = 0; round < 10; round++) {
    await task.advance(37 * SECOND);
    for (let turn = 0; turn < 30; turn++) await task.begin();
    await task.settle();
  }
  assert.equal(new Set(task.deliveries.map(({ action }) => action)).size, 100);
  assert.ok(task.deliveries.every(({ outcome }) => outcome === 'delivered'));
});
