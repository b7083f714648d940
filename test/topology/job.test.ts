import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CHANNEL_IDS, channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import { FAKE_START } from '../../testing/fake-clock.ts';
import { type PipedRecord, TestDriver, type TestDriverOptions } from '../../testing/test-driver.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';
import { lines, sends, written } from './kit.ts';

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

/** What a run has written that wrote nothing. */
const NOTHING = { decisions: [], actions: [], late: [], deadLetters: [] };

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
  await driver.advanceWallClock(24 * HOUR + 5_000);
  assert.deepEqual(await written(driver), NOTHING);
  await driver.advanceWallClock(1);
  const { decisions, actions, ...others } = await written(driver);
  assert.deepEqual(lines(decisions), ['cart user/u1 fired']);
  assert.equal(decisions[0]!.at, FAKE_START + 24 * HOUR);
  assert.deepEqual(sends(actions), ['cart webhook to user/u1 {"value":80}']);
  assert.deepEqual(others, { late: [], deadLetters: [] });
  await driver.advanceWallClock(48 * HOUR);
  assert.deepEqual(await written(driver), NOTHING);
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
  const ids = others.map(({ key }) => key).sort();
  const { decisions, actions, late } = await written(driver);
  assert.deepEqual(lines(decisions), [...ids.map((id) => `cart user/${id} fired`), 'paid user/u1 fired']);
  assert.deepEqual(
    sends(actions),
    ids.map((id) => `cart webhook to user/${id} {"value":null}`),
  );
  assert.deepEqual(late, []);
  await driver.advanceWallClock(48 * HOUR);
  assert.deepEqual(await written(driver), NOTHING);
});

test('a timer fires after a restart that lost every store, from the changelog (I5)', async (t) => {
  const driver = await open(t);
  await driver.pipe('events.shop', event('u1', 'add_to_cart', FAKE_START, { value: 80 }));
  await driver.run();
  await driver.crash();
  driver.loseStores();
  await driver.advanceWallClock(25 * HOUR);
  const { decisions, actions } = await written(driver);
  assert.deepEqual(lines(decisions), ['cart user/u1 fired']);
  assert.equal(decisions[0]!.at, FAKE_START + 24 * HOUR);
  assert.deepEqual(sends(actions), ['cart webhook to user/u1 {"value":80}']);
  // What fired is in the changelog too.
  await driver.crash();
  driver.loseStores();
  await driver.advanceWallClock(25 * HOUR);
  assert.deepEqual(await written(driver), NOTHING);
});

test('records that cannot be used become dead letters with their reason, and the flow goes on (I6)', async (t) => {
  const driver = await open(t);
  const refused: readonly [string, PipedRecord][] = [
    ['TRG_RECORD_UNREADABLE', { key: 'u1', value: '{"broken' }],
    ['TRG_RECORD_INVALID', { key: 'u1', value: JSON.stringify({ type: 'track', userId: 'u1' }) }],
    ['TRG_RECORD_INVALID', { key: null, value: JSON.stringify({ type: 'track', userId: 'u1', event: 'purchase' }) }],
    ['TRG_RECORD_INVALID', { key: 'u1', value: null }],
    ['TRG_RECORD_TOO_LARGE', { key: 'u1', value: 'x'.repeat(10_001) }],
    ['TRG_RECORD_IN_FUTURE', event('u1', 'purchase', FAKE_START + 400_000)],
  ];
  await driver.pipe('events.shop', ...refused.map(([, record]) => record), event('u1', 'purchase', FAKE_START));
  await driver.run();
  const { decisions, actions, late, deadLetters } = await written(driver);
  const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString();
  assert.deepEqual(
    deadLetters.map(({ topic, partition, offset, reason, key, value }) => {
      return [topic, partition, offset, reason, text(key), text(value)];
    }),
    refused.map(([reason, { key, value }], offset) => ['events.shop', 0, offset, reason, key, value]),
  );
  assert.deepEqual(lines(decisions), ['paid user/u1 fired']);
  assert.equal(decisions[0]!.at, FAKE_START);
  assert.deepEqual([actions, late], [[], []]);
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
  const { decisions, late } = await written(driver);
  assert.deepEqual(
    late.map(({ entity, event, timestamp, evaluatedTo, rules }) => ({ entity, event, timestamp, evaluatedTo, rules })),
    [
      {
        entity: 'user/u1',
        event: 'purchase',
        timestamp: FAKE_START - 1_000,
        evaluatedTo: FAKE_START,
        rules: ['cart'],
      },
    ],
  );
  assert.deepEqual(lines(decisions), ['paid user/u1 fired', 'paid user/u3 fired']);
  await driver.advanceWallClock(25 * HOUR);
  assert.deepEqual(lines((await written(driver)).decisions), ['cart user/u1 fired', 'cart user/u2 fired']);
});

test('a repeated message is taken once', async (t) => {
  const driver = await open(t);
  const purchase = event('u1', 'purchase', FAKE_START);
  await driver.pipe('events.shop', purchase, purchase);
  await driver.run();
  await driver.crash();
  await driver.pipe('events.shop', purchase);
  await driver.run();
  const { decisions, ...others } = await written(driver);
  assert.deepEqual(lines(decisions), ['paid user/u1 fired']);
  assert.deepEqual(others, { actions: [], late: [], deadLetters: [] });
});

test('a source without keys reaches the task of its entity through the repartition topic, and its timers fire', async (t) => {
  const sources = [
    { topic: 'raw', format: 'segment', keyed: false, entity: 'user' },
    { topic: 'sensors', format: 'json', keyed: false, entity: 'user', id: 'who', event: 'what', timestamp: 'ts' },
  ] as const;
  const driver = await open(t, { sources }, { partitions: 3 });
  const anyPartition = (record: object, partition: number) => ({ ...record, key: null, partition }) as never;
  for (let i = 0; i < 12; i++) {
    await driver.pipe('raw', anyPartition(event(`u${i}`, 'add_to_cart', FAKE_START, { value: i }), i % 3));
  }
  await driver.advanceWallClock(HOUR);
  const bought = JSON.stringify({ who: 'u5', what: 'purchase', ts: FAKE_START + HOUR });
  await driver.pipe('sensors', { key: null, value: bought, timestamp: FAKE_START, partition: 2 });
  await driver.run();
  assert.deepEqual(lines((await written(driver)).decisions), ['paid user/u5 fired']);
  for (let i = 0; i < 30; i++) await driver.advanceWallClock(HOUR);
  const { decisions, actions, ...others } = await written(driver);
  const left = [0, 1, 10, 11, 2, 3, 4, 6, 7, 8, 9];
  assert.deepEqual(
    lines(decisions),
    left.map((i) => `cart user/u${i} fired`),
  );
  assert.deepEqual(
    sends(actions),
    left.map((i) => `cart webhook to user/u${i} {"value":${i}}`),
  );
  assert.deepEqual(others, { late: [], deadLetters: [] });
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
