import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CHANNEL_IDS, channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import { actionCodec, deadLetterCodec, decisionCodec, lateCodec } from '../../schemas/framed.ts';
import { FAKE_START } from '../../testing/fake-clock.ts';
import { TestDriver, type TestDriverOptions } from '../../testing/test-driver.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';

const HOUR = 3_600_000;

const RULES = `
id: cart
when: { absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h } }
then: [{ send: { channel: webhook, data: { value: cart.properties.value } } }]
---
id: paid
when: { event: purchase }
`;

function topologyOf(rules: string, options: Partial<JobOptions> = {}) {
  const checked = checkRules([{ file: 'rules.yaml', text: rules }], {
    outOfOrdernessMs: 5_000,
    entities: [],
    channels: channelTraits({}),
  });
  assert.deepEqual(checked.errors, []);
  return () =>
    triplineTopology({
      application: 'test',
      prefix: 'tripline',
      sources: [{ topic: 'events.shop', format: 'segment', keyed: true, entity: 'user' }],
      rules: () => checked.ruleSet,
      channels: CHANNEL_IDS,
      maxClockSkewMs: 300_000,
      dedupeWindowMs: 24 * HOUR,
      dedupeMax: 1_000,
      recordBytesMax: 10_000,
      useRecordTime: true,
      cacheBytes: 1_000_000,
      ...options,
    });
}

async function open(t: TestContext, options: Partial<JobOptions> = {}, driverOptions: Partial<TestDriverOptions> = {}) {
  const driver = await TestDriver.open({ topology: topologyOf(RULES, options), ...driverOptions });
  t.after(() => driver.close());
  return driver;
}

let made = 0;
function event(userId: string, name: string, time: number, properties: object = {}) {
  const message = {
    type: 'track',
    messageId: `m${made++}`,
    userId,
    event: name,
    timestamp: new Date(time),
    properties,
  };
  return { key: userId, value: JSON.stringify(message), timestamp: time };
}

test('an absence fires once its deadline has passed, with its action, and never again', async (t) => {
  const driver = await open(t);
  await driver.pipe('events.shop', event('u1', 'add_to_cart', FAKE_START, { value: 80 }));
  await driver.run();
  assert.deepEqual(await driver.read('tripline.decisions'), []);
  await driver.advanceWallClock(24 * HOUR + 5_001);
  const decisions = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  assert.deepEqual(
    decisions.map(({ rule, at, outcome }) => ({ rule, at, outcome })),
    [{ rule: 'cart', at: FAKE_START + 24 * HOUR, outcome: 'fired' }],
  );
  const actions = (await driver.read('actions.webhook')).map(({ value }) => actionCodec.decode(value!));
  assert.deepEqual(actions[0]!.data, { value: 80 });
  assert.equal(actions[0]!.decision, decisions[0]!.id);
  await driver.advanceWallClock(48 * HOUR);
  assert.deepEqual(await driver.read('tripline.decisions'), []);
});

test('an absence does not fire while unread records may cancel it, however late it is by the wall clock (I3)', async (t) => {
  const driver = await open(t);
  await driver.pipe('events.shop', event('u1', 'add_to_cart', FAKE_START));
  await driver.run();
  await driver.crash();
  // Down for two days; the purchase came in meanwhile, behind other people's events.
  await driver.clock.advance(48 * HOUR);
  const others = Array.from({ length: 50 }, (_, i) => event(`o${i}`, 'add_to_cart', FAKE_START + i * 60_000));
  await driver.pipe('events.shop', ...others, event('u1', 'purchase', FAKE_START + 2 * HOUR));
  await driver.run();
  const decisions = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  assert.equal(decisions.filter(({ rule, entity }) => rule === 'cart' && entity.id === 'u1').length, 0);
  assert.equal(decisions.filter(({ rule }) => rule === 'cart').length, 50);
});

test('a timer fires after a restart that lost every store, from the changelog (I5)', async (t) => {
  const driver = await open(t);
  await driver.pipe('events.shop', event('u1', 'add_to_cart', FAKE_START));
  await driver.run();
  await driver.crash();
  driver.loseStores();
  await driver.advanceWallClock(25 * HOUR);
  const decisions = await driver.read('tripline.decisions');
  assert.equal(decisions.length, 1);
});

test('records that cannot be used become dead letters with their reason, and the flow goes on (I6)', async (t) => {
  const driver = await open(t);
  await driver.pipe(
    'events.shop',
    { key: 'u1', value: '{"broken' },
    { key: 'u1', value: JSON.stringify({ type: 'track', userId: 'u1' }) },
    { key: null, value: JSON.stringify({ type: 'track', userId: 'u1', event: 'purchase' }) },
    { key: 'u1', value: null },
    { key: 'u1', value: 'x'.repeat(10_001) },
    event('u1', 'purchase', FAKE_START + 400_000),
    event('u1', 'purchase', FAKE_START),
  );
  await driver.run();
  const letters = (await driver.read('tripline.dead-letter')).map(({ value }) => deadLetterCodec.decode(value!));
  assert.deepEqual(
    letters.map(({ reason, offset }) => [offset, reason]),
    [
      [0, 'TRG_RECORD_UNREADABLE'],
      [1, 'TRG_RECORD_INVALID'],
      [2, 'TRG_RECORD_INVALID'],
      [3, 'TRG_RECORD_INVALID'],
      [4, 'TRG_RECORD_TOO_LARGE'],
      [5, 'TRG_RECORD_IN_FUTURE'],
    ],
  );
  assert.equal((await driver.read('tripline.decisions')).length, 1);
});

test('an event that comes after its entity was evaluated past it is late for event-time rules alone (V3)', async (t) => {
  const driver = await open(t);
  await driver.pipe('events.shop', event('u1', 'add_to_cart', FAKE_START), event('u2', 'add_to_cart', FAKE_START));
  await driver.advanceWallClock(60_000);
  await driver.pipe(
    'events.shop',
    event('u1', 'purchase', FAKE_START - 1_000),
    event('u3', 'purchase', FAKE_START - 1_000),
  );
  await driver.run();
  const late = (await driver.read('tripline.late')).map(({ value }) => lateCodec.decode(value!));
  assert.deepEqual(
    late.map(({ entity, rules }) => ({ entity, rules })),
    [{ entity: 'user/u1', rules: ['cart'] }],
  );
  const fired = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  assert.deepEqual(
    fired.map(({ rule, entity }) => [rule, entity.id]),
    [
      ['paid', 'u1'],
      ['paid', 'u3'],
    ],
  );
});

test('a repeated message is taken once', async (t) => {
  const driver = await open(t);
  const purchase = event('u1', 'purchase', FAKE_START);
  await driver.pipe('events.shop', purchase, purchase);
  await driver.run();
  await driver.crash();
  await driver.pipe('events.shop', purchase);
  await driver.run();
  assert.equal((await driver.read('tripline.decisions')).length, 1);
});

test('a source without keys reaches the task of its entity through the repartition topic, and its timers fire', async (t) => {
  const sources = [
    { topic: 'raw', format: 'segment', keyed: false, entity: 'user' },
    { topic: 'sensors', format: 'json', keyed: false, entity: 'user', id: 'who', event: 'what', timestamp: 'ts' },
  ] as const;
  const driver = await open(t, { sources }, { partitions: 3 });
  const anyPartition = (record: object, partition: number) => ({ ...record, key: null, partition }) as never;
  for (let i = 0; i < 12; i++) {
    await driver.pipe('raw', anyPartition(event(`u${i}`, 'add_to_cart', FAKE_START), i % 3));
  }
  await driver.advanceWallClock(HOUR);
  const bought = JSON.stringify({ who: 'u5', what: 'purchase', ts: FAKE_START + HOUR });
  await driver.pipe('sensors', { key: null, value: bought, timestamp: FAKE_START, partition: 2 });
  await driver.run();
  const before = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!).rule);
  assert.deepEqual(before, ['paid']);
  for (let i = 0; i < 30; i++) await driver.advanceWallClock(HOUR);
  const decisions = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  const carts = decisions.filter(({ rule }) => rule === 'cart').map(({ entity }) => entity.id);
  assert.deepEqual(carts.sort(), ['u0', 'u1', 'u10', 'u11', 'u2', 'u3', 'u4', 'u6', 'u7', 'u8', 'u9']);
});

test('sources that feed the same tasks must have the same partition count', async (t) => {
  const sources = [
    { topic: 'events.shop', format: 'segment', keyed: true, entity: 'user' },
    { topic: 'events.app', format: 'segment', keyed: true, entity: 'user' },
  ] as const;
  const driver = await TestDriver.open({ topology: topologyOf(RULES), partitions: 2 });
  t.after(() => driver.close());
  await driver.log.admin.createTopics([{ topic: 'events.app', partitions: 3 }]);
  const wrong = await TestDriver.open({ topology: topologyOf(RULES), log: driver.log, partitions: 2 });
  wrong.use(topologyOf(RULES, { sources }));
  await assert.rejects(wrong.run(), /events.shop has 2 partitions and events.app has 3/);
});
