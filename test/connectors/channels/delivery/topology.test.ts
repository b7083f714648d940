// The connector's part of the topology on the production runtime: a log in memory, real commits, crashes and restarts.

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ChannelSender } from '../../../../connectors/channels/delivery/sender.ts';
import { addConnector } from '../../../../connectors/channels/delivery/topology.ts';
import { seededRng } from '../../../../lib/rng.ts';
import type { Delivery } from '../../../../schemas/delivery.ts';
import { actionCodec, deadLetterCodec, deliveryCodec } from '../../../../schemas/framed.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { TestDriver } from '../../../../testing/test-driver.ts';
import { Topology } from '../../../../topology/engine/builder.ts';
import { makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender } from './fake-sender.ts';
import { testDesk } from './test-desk.ts';

const TOPIC = 'actions.webhook';

async function driverFor(t: TestContext, sender: ChannelSender): Promise<TestDriver> {
  const clock = new FakeClock();
  const noted = new Map<string, number>();
  const topology = (): Topology => {
    const made = new Topology();
    addConnector(made, {
      application: 'test',
      channel: 'webhook',
      prefix: 'tripline',
      sender,
      rng: seededRng(1),
      desk: testDesk({ channel: 'webhook', clock, noted }),
      archives: false,
      tellsSent: false,
      alertsTo: null,
    });
    return made;
  };
  const driver = await TestDriver.open({ topology, partitions: 2, clock });
  t.after(() => driver.close());
  return driver;
}

/** Runs until nothing is left to do, what sends bring included. */
async function runAll(driver: TestDriver): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await driver.run();
    await setImmediate();
  }
}

async function pipe(driver: TestDriver, ...ids: readonly string[]): Promise<void> {
  const records = ids.map((id) => {
    const user = id.slice(0, 2);
    return { key: user, value: actionCodec.encode(makeAction({ id, entity: { type: 'user', id: user } })) };
  });
  await driver.pipe(TOPIC, ...records);
}

async function deliveriesOf(driver: TestDriver): Promise<Delivery[]> {
  return (await driver.read('tripline.deliveries')).map(({ value }) => deliveryCodec.decode(value!));
}

test('actions come out as deliveries, each entity’s in order, keyed by the entity', async (t) => {
  const sender = new FakeSender();
  const driver = await driverFor(t, sender);
  await pipe(driver, 'u1-a', 'u2-a', 'u1-b', 'u3-a', 'u2-b');
  await runAll(driver);
  const records = await driver.read('tripline.deliveries');
  const byUser = new Map<string, string[]>();
  for (const { key, value, headers } of records) {
    const user = String(key && Buffer.from(key));
    const { action, outcome, decision } = deliveryCodec.decode(value!);
    assert.equal(outcome, 'delivered');
    assert.deepEqual(
      headers.map(([name, text]) => [name, String(Buffer.from(text))]),
      [['tripline-decision-id', decision]],
    );
    byUser.set(user, [...(byUser.get(user) ?? []), action]);
  }
  assert.deepEqual([...byUser].sort(), [
    ['u1', ['u1-a', 'u1-b']],
    ['u2', ['u2-a', 'u2-b']],
    ['u3', ['u3-a']],
  ]);
});

test('what was being sent at a crash is sent again after it, under the same id (V1)', async (t) => {
  const sender = new FakeSender(null);
  const driver = await driverFor(t, sender);
  await pipe(driver, 'u1-a', 'u1-b');
  await runAll(driver);
  assert.deepEqual(sender.open, ['u1-a']);
  await driver.crash();
  await driver.advanceWallClock(1_000);
  assert.deepEqual(
    sender.sends.map(({ action }) => action.id),
    ['u1-a', 'u1-a'],
  );
  await sender.answer('u1-a');
  await runAll(driver);
  await sender.answer('u1-b');
  await runAll(driver);
  assert.deepEqual(
    (await deliveriesOf(driver)).map(({ action }) => action),
    ['u1-a', 'u1-b'],
  );
});

test('retries come by the wall clock, through crashes, and end as failed with the record in the dead letters', async (t) => {
  const sender = new FakeSender(() => ({ outcome: 'retry', reason: 'HTTP 503' }));
  const driver = await driverFor(t, sender);
  await pipe(driver, 'u1-a');
  for (let turn = 0; turn < 12; turn++) {
    await runAll(driver);
    if (turn % 3 === 1) await driver.crash();
    await driver.advanceWallClock(15 * 3_600_000);
  }
  await runAll(driver);
  assert.deepEqual(
    sender.sends.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(
    (await deliveriesOf(driver)).map(({ action, outcome, attempts }) => [action, outcome, attempts]),
    [['u1-a', 'failed', 7]],
  );
  const letters = (await driver.read('tripline.dead-letter')).map(({ value }) => deadLetterCodec.decode(value!));
  assert.deepEqual(
    letters.map(({ topic, reason, offset }) => [topic, reason, offset]),
    [[TOPIC, 'TRG_DELIVERY_FAILED', 0]],
  );
  assert.equal(actionCodec.decode(letters[0]!.value!).id, 'u1-a');
});

test('crashes at any await lose no action and repeat no settled one', async (t) => {
  let lives = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const rng = seededRng(seed);
    const sender = new FakeSender(({ attempt }) =>
      attempt < 2 && rng.next() < 0.3 ? { outcome: 'retry', reason: 'HTTP 500', retryAfterMs: 1_000 } : DELIVERED,
    );
    const driver = await driverFor(t, sender);
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      const id = `u${i % 3}-${String(i).padStart(2, '0')}`;
      ids.push(id);
      await pipe(driver, id);
      for (let polls = Math.floor(rng.next() * 4); polls > 0; polls--) {
        await driver.poll();
        await setImmediate();
      }
      if (rng.next() < 0.4) driver.crashes.arm(Math.floor(rng.next() * 20), rng.next() < 0.5 ? 'before' : 'after');
      if (rng.next() < 0.3) await driver.advanceWallClock(2_000);
    }
    for (let turn = 0; turn < 30; turn++) {
      await runAll(driver);
      await driver.advanceWallClock(10_000);
    }
    lives += driver.lives;
    const settled = (await deliveriesOf(driver)).map(({ action }) => action);
    for (const user of ['u0', 'u1', 'u2']) {
      assert.deepEqual(
        settled.filter((id) => id.startsWith(user)),
        ids.filter((id) => id.startsWith(user)),
        `seed ${seed}`,
      );
    }
  }
  assert.ok(lives > 60, `${lives} lives`);
});
