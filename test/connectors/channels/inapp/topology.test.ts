// From an action to an inbox on the production runtime: a log in memory, real commits, crashes and restarts.

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openChannel } from '../../../../connectors/channels/channel.ts';
import { addConnector } from '../../../../connectors/channels/delivery/topology.ts';
import { inapp } from '../../../../connectors/channels/inapp/channel.ts';
import { addInbox } from '../../../../connectors/channels/inapp/topology.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { actionCodec, deadLetterCodec, deliveryCodec } from '../../../../schemas/framed.ts';
import { encodeInboxCommand, type InboxState } from '../../../../schemas/inbox.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { TestDriver } from '../../../../testing/test-driver.ts';
import { Topology } from '../../../../topology/engine/builder.ts';
import { inboxTopic } from '../../../../topology/topics.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { testDesk } from '../delivery/test-desk.ts';
import { DEPENDENCIES, templatesOf } from '../kit.ts';

const APPLICATION = 'tripline';
const COMMANDS = inboxTopic(APPLICATION);
const templates = templatesOf({
  'hello/inapp': '---\ntitle: Hello\nurl: "{{ data.url }}"\n---\nText',
  'long/inapp': '---\ntitle: Hello\n---\n{{ data.text }}',
});

async function driverFor(t: TestContext): Promise<TestDriver> {
  const sender = openChannel(inapp, { secret: 'some secret' }, { ...DEPENDENCIES, clock: new FakeClock(), templates });
  const topology = (): Topology => {
    const made = new Topology();
    const of = {
      application: APPLICATION,
      channel: 'inapp',
      prefix: 'tripline',
      archives: false,
      tellsSent: false,
      alertsTo: null,
    };
    const desk = testDesk({ channel: 'inapp', clock: new FakeClock() });
    addConnector(made, { ...of, sender, rng: seededRng(1), desk, handsOverTo: COMMANDS });
    addInbox(made, { application: APPLICATION, prefix: 'tripline' });
    return made;
  };
  const driver = await TestDriver.open({ topology, partitions: 2 });
  t.after(() => driver.close());
  return driver;
}

async function runAll(driver: TestDriver): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await driver.run();
    await setImmediate();
  }
}

function actionRecord(id: string, user: string, fields: Partial<Parameters<typeof makeAction>[0]> = {}) {
  const entity = { type: 'user', id: user };
  const value = actionCodec.encode(
    makeAction({
      id,
      entity,
      channel: 'inapp',
      template: 'hello',
      data: { url: '/x' },
      step: 3,
      variant: 'b',
      ...fields,
    }),
  );
  return { key: user, value };
}

const tell = (user: string, id: string, state: InboxState) => ({
  key: user,
  value: encodeInboxCommand({ kind: 'state', id, state }),
});

async function deliveriesOf(driver: TestDriver) {
  return (await driver.read('tripline.deliveries')).map(({ value }) => deliveryCodec.decode(value!));
}

test('a message is delivered, then what is done with it becomes deliveries of its action, each once', async (t) => {
  const driver = await driverFor(t);
  await driver.pipe('actions.inapp', actionRecord('a1', 'u1'));
  await runAll(driver);
  await driver.pipe(COMMANDS, tell('u1', 'a1', 'seen'), tell('u1', 'a1', 'clicked'), tell('u1', 'a1', 'clicked'));
  await driver.pipe(COMMANDS, tell('u2', 'a1', 'read'), tell('u1', 'none', 'read'));
  await runAll(driver);
  await driver.crash();
  await driver.pipe(COMMANDS, tell('u1', 'a1', 'seen'), tell('u1', 'a1', 'archived'));
  await runAll(driver);
  const deliveries = await deliveriesOf(driver);
  assert.deepEqual(
    deliveries.map(({ outcome }) => outcome),
    ['delivered', 'seen', 'clicked', 'archived'],
  );
  const { outcome, url, at, ...told } = structuredClone(deliveries[2]!);
  assert.deepEqual([outcome, url], ['clicked', '/x']);
  assert.ok(at > 0);
  assert.deepEqual(told, {
    action: 'a1',
    decision: 'd1',
    rule: 'cart-abandonment',
    ruleVersion: 'abcdef012345',
    entity: { type: 'user', id: 'u1' },
    channel: 'inapp',
    reason: null,
    attempts: 1,
    attempt: 1,
    providerId: null,
    flow: null,
    step: 3,
    variant: 'b',
    address: null,
    isMachine: false,
  });
});

test('a link that is code, or a text without end, fails the message and nothing else', async (t) => {
  const driver = await driverFor(t);
  await driver.pipe(
    'actions.inapp',
    actionRecord('a1', 'u1', { data: { url: 'javascript:alert(1)' } }),
    actionRecord('a2', 'u1', { template: 'long', data: { text: 'x'.repeat(20_000) } }),
    actionRecord('a3', 'u1', { data: { url: '//evil.test' } }),
    actionRecord('a4', 'u1', { data: { url: 'https://shop.test' } }),
  );
  await runAll(driver);
  const outcomes = (await deliveriesOf(driver)).map(({ action, outcome }) => `${action} ${outcome}`);
  assert.deepEqual(outcomes, ['a1 failed', 'a2 failed', 'a3 failed', 'a4 delivered']);
  const letters = (await driver.read('tripline.dead-letter')).map(({ value }) => deadLetterCodec.decode(value!).reason);
  assert.deepEqual(letters, ['TRG_TEMPLATE_FAILED', 'TRG_RECORD_TOO_LARGE', 'TRG_TEMPLATE_FAILED']);
});

test('what is about no user has no inbox', async (t) => {
  const driver = await driverFor(t);
  await driver.pipe('actions.inapp', actionRecord('a1', 'd1', { entity: { type: 'device', id: 'd1' } }));
  await runAll(driver);
  const [delivery] = await deliveriesOf(driver);
  assert.deepEqual([delivery!.outcome, delivery!.reason], ['skipped', 'no-address']);
});

test('a record that is no command is a dead letter, and the next one counts', async (t) => {
  const driver = await driverFor(t);
  await driver.pipe('actions.inapp', actionRecord('a1', 'u1'));
  await runAll(driver);
  await driver.pipe(COMMANDS, { key: 'u1', value: Buffer.from('nonsense') }, tell('u1', 'a1', 'read'));
  await runAll(driver);
  const letters = (await driver.read('tripline.dead-letter')).map(({ value }) => deadLetterCodec.decode(value!).reason);
  assert.deepEqual(letters, ['TRG_RECORD_UNREADABLE']);
  assert.deepEqual((await deliveriesOf(driver)).at(-1)!.outcome, 'read');
});
