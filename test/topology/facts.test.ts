import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CHANNEL_IDS, channelTraits } from '../../connectors/channels/index.ts';
import { httpScorer } from '../../connectors/models/http-scorer.ts';
import type { Scorer } from '../../connectors/models/scorer.ts';
import { addModels } from '../../connectors/models/topology.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatProblem } from '../../lib/problem.ts';
import { type ContextFiles, checkRules } from '../../rules/index.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Decision } from '../../schemas/decision.ts';
import { FAKE_START } from '../../testing/fake-clock.ts';
import { readPartition, replayJournal } from '../../testing/journal-replay.ts';
import { TestDriver } from '../../testing/test-driver.ts';
import { until } from '../../testing/until.ts';
import { requiredTopics } from '../../topology/topics.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';
import { lines, sends, written } from './kit.ts';

const HOUR = 3_600_000;

interface World {
  readonly rules: string;
  readonly context?: ContextFiles;
  readonly job?: Partial<JobOptions>;
  readonly scorers?: ReadonlyMap<string, Scorer>;
  readonly partitions?: number;
}

function compile({ rules, context = {} }: World) {
  const options = { outOfOrdernessMs: 5_000, entities: ['device', 'product'], channels: channelTraits({}), context };
  const checked = checkRules([{ file: 'rules.yaml', text: rules }], options);
  assert.deepEqual(checked.errors.map(formatProblem), []);
  return checked.ruleSet;
}

function topologyOf(ruleSet: RuleSet, job: Partial<JobOptions> = {}) {
  return triplineTopology({
    application: 'test',
    prefix: 'tripline',
    sources: [{ topic: 'events.shop', format: 'segment', keyed: true, entity: 'user' }],
    rules: () => ruleSet,
    channels: CHANNEL_IDS,
    maxClockSkewMs: 300_000,
    dedupeWindowMs: 24 * HOUR,
    dedupeMax: 1_000,
    recordBytesMax: 10_000,
    useRecordTime: true,
    cacheBytes: 1_000_000,
    ...job,
  });
}

async function open(t: TestContext, world: World) {
  const ruleSet = compile(world);
  const topology = () => {
    const made = topologyOf(ruleSet, world.job);
    if (world.scorers !== undefined) {
      addModels(made, { application: 'test', prefix: 'tripline', schemaIds: {}, scorers: world.scorers });
    }
    return made;
  };
  const driver = await TestDriver.open({ topology, partitions: world.partitions ?? 1 });
  t.after(() => driver.close());
  return driver;
}

let made = 0;
function track(userId: string, event: string, properties: object = {}) {
  const message = { type: 'track', messageId: `m${made++}`, userId, event, timestamp: FAKE_START, properties };
  return { key: userId, value: JSON.stringify(message) };
}

const ALL = `{ id: people, when: { event: reading } }
---
{ id: devices, entity: device, when: { count: { event: reading, atLeast: 2, within: 1h } } }
---
{ id: products, entity: product, when: { event: reading } }`;
const OTHERS = [
  { entity: 'device', id: 'properties.deviceId' },
  { entity: 'product', id: 'properties.product.id' },
];

test('an event goes to every entity it concerns, over partitions, each with state of its own', async (t) => {
  const source = { topic: 'events.shop', format: 'segment', keyed: true, entity: 'user', others: OTHERS } as const;
  const driver = await open(t, { rules: ALL, job: { sources: [source] }, partitions: 3 });
  await driver.pipe(
    'events.shop',
    track('u1', 'reading', { deviceId: 'd1' }),
    track('u2', 'reading', { deviceId: 'd1', product: { id: 7 } }),
    track('u3', 'reading', { deviceId: null, product: 'none' }),
  );
  await driver.run();
  await driver.run();
  const { decisions, ...others } = await written(driver);
  assert.deepEqual(lines(decisions), [
    'devices device/d1 fired',
    'people user/u1 fired',
    'people user/u2 fired',
    'people user/u3 fired',
    'products product/7 fired',
  ]);
  assert.deepEqual(others, { actions: [], late: [], deadLetters: [] });
});

test('plain JSON of a device may concern others too', async (t) => {
  const source = {
    topic: 'events.shop',
    format: 'json',
    keyed: false,
    entity: 'device',
    id: 'deviceId',
    event: 'type',
  } as const;
  const driver = await open(t, { rules: ALL, job: { sources: [{ ...source, others: [OTHERS[1]!] }] } });
  const value = JSON.stringify({ deviceId: 'd1', type: 'reading', timestamp: FAKE_START, product: { id: 'p1' } });
  await driver.pipe('events.shop', { key: null, value });
  await driver.run();
  await driver.run();
  const { decisions, deadLetters } = await written(driver);
  assert.deepEqual(lines(decisions), ['products product/p1 fired']);
  assert.deepEqual(deadLetters, []);
});

test('profiles and consent come in through topics of their own, and hold no time back', async (t) => {
  const rules = `id: hello
when: { event: view }
if: 'profile.plan == "pro"'
category: news
then: [{ send: { channel: email, template: hi } }]
---
{ id: gone, when: { absence: { after: { event: view }, of: { event: paid }, within: 1h } } }`;
  const driver = await open(t, { rules, job: { readsFacts: true } });
  await driver.pipe(
    'tripline.profiles',
    { key: 'u1', value: '{"plan":"pro"}' },
    { key: 'u2', value: '{"plan":"free"}' },
  );
  await driver.run();
  await driver.pipe('events.shop', track('u1', 'view'), track('u2', 'view'));
  await driver.run();
  await driver.pipe('tripline.consent', { key: 'u1', value: '{"categories":{"news":false}}' });
  await driver.pipe('tripline.profiles', { key: 'u2', value: null });
  await driver.run();
  await driver.pipe('events.shop', track('u1', 'view'), track('u2', 'view'));
  await driver.advanceWallClock(2 * HOUR);
  const { decisions, actions, ...others } = await written(driver);
  assert.deepEqual(lines(decisions), [
    ...['gone user/u1 fired', 'gone user/u2 fired'],
    ...['hello user/u1 consent', 'hello user/u1 fired', 'hello user/u2 condition', 'hello user/u2 condition'],
  ]);
  assert.deepEqual(
    decisions.filter(({ rule }) => rule === 'hello').map(({ entity, values }) => [entity.id, values]),
    [
      ['u1', { 'profile.plan': 'pro' }],
      ['u2', { 'profile.plan': 'free' }],
      ['u1', { 'profile.plan': 'pro' }],
      ['u2', { 'profile.plan': null }],
    ],
  );
  assert.deepEqual(
    actions.map(({ channel, entity, template, category, context }) => {
      return [channel, entity.id, template, category, context['profile']];
    }),
    [['email', 'u1', 'hi', 'news', { plan: 'pro' }]],
  );
  assert.deepEqual(others, { late: [], deadLetters: [] });
});

test('consent that is taken back by deleting its record is asked no more, and one of another person never', async (t) => {
  const rules =
    '{ id: hello, when: { event: view }, category: news, then: [{ send: { channel: email, template: hi } }] }';
  const driver = await open(t, { rules, job: { readsFacts: true } });
  const viewed = async (): Promise<string[]> => {
    await driver.pipe('events.shop', track('u1', 'view'), track('u2', 'view'));
    await driver.run();
    const { decisions, actions } = await written(driver);
    return [...lines(decisions), ...sends(actions)];
  };
  await driver.pipe('tripline.consent', { key: 'u1', value: '{"channels":{"email":false}}' });
  await driver.run();
  const ofOther = ['hello user/u2 fired', 'hello email to user/u2 {}'];
  assert.deepEqual(await viewed(), ['hello user/u1 consent', ...ofOther]);
  await driver.clock.advance(1);
  await driver.pipe('tripline.consent', { key: 'u1', value: null });
  await driver.run();
  const ofBoth = [
    'hello user/u1 fired',
    'hello user/u2 fired',
    'hello email to user/u1 {}',
    'hello email to user/u2 {}',
  ];
  assert.deepEqual(await viewed(), ofBoth);
});

test('a record about a person that cannot be used is a dead letter with its reason', async (t) => {
  const driver = await open(t, { rules: ALL, job: { readsFacts: true } });
  await driver.pipe(
    'tripline.profiles',
    { key: 'u1', value: 'no json' },
    { key: null, value: '{}' },
    { key: 'u1', value: '[]' },
  );
  await driver.pipe('tripline.consent', { key: 'u1', value: '{"news":false}' }, { key: 'u1', value: '{"all":1}' });
  await driver.run();
  const { decisions, deadLetters } = await written(driver);
  const text = ({ topic, offset, reason, message }: DeadLetter) => `${topic}/${offset} ${reason} ${message}`;
  assert.deepEqual(deadLetters.map(text).sort(), [
    'tripline.consent/0 TRG_RECORD_INVALID unknown field "news": a record has categories, channels, all',
    'tripline.consent/1 TRG_RECORD_INVALID "all" must be true or false',
    'tripline.profiles/0 TRG_RECORD_UNREADABLE the record is not JSON',
    'tripline.profiles/1 TRG_RECORD_INVALID the record has no key, which is the entity id',
    'tripline.profiles/2 TRG_RECORD_INVALID the record must be a JSON object',
  ]);
  assert.deepEqual(decisions, []);
});

const SCORED = `id: risky
when: { event: pay }
if: 'score("fraud") > 0.5'
then: [{ send: { channel: webhook, data: { score: 'score("fraud")' } } }]`;

function fraud(url: string, more = ''): ContextFiles {
  const text = `id: fraud
type: http
url: ${url}
timeout: 1s
features: [{ name: amount, value: event.properties.amount }, { name: plan, value: profile.plan }]
${more}`;
  return { models: [{ file: 'models.yaml', text }], withRemoteModels: true };
}

/** Answers with a tenth of the amount; remembers what it was asked. */
async function modelServer(t: TestContext, answer?: (amount: number) => { status?: number; body: string } | null) {
  const asked: { model: string; entity: object; features: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text);
      asked.push(body);
      const amount = body.features.amount as number;
      const given = answer === undefined ? { body: JSON.stringify({ score: amount / 10 }) } : answer(amount);
      if (given === null) return;
      response.writeHead(given.status ?? 200).end(given.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

/** Runs until as many decisions were made, whose scores come over HTTP. Nothing may be late or refused. */
async function runUntil(driver: TestDriver, count: number) {
  const decisions: Decision[] = [];
  const actions: Action[] = [];
  const areMade = async (): Promise<boolean> => {
    await driver.run();
    const news = await written(driver);
    decisions.push(...news.decisions);
    actions.push(...news.actions);
    assert.deepEqual([news.late, news.deadLetters], [[], []]);
    return decisions.length >= count;
  };
  await until(areMade, { message: `${count} decisions are made`, seen: () => lines(decisions) });
  return { decisions, actions };
}

async function scored(t: TestContext, context: ContextFiles) {
  const ruleSet = compile({ rules: SCORED, context });
  const model = ruleSet.context.models.get('fraud') as RemoteModel;
  const scorer = httpScorer(model, systemClock);
  t.after(() => scorer.close());
  return open(t, { rules: SCORED, context, job: { asksModels: true }, scorers: new Map([['fraud', scorer]]) });
}

test('a candidate waits for the score of a model over HTTP, which the decision records', async (t) => {
  const { url, asked } = await modelServer(t);
  const driver = await scored(t, fraud(url));
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }), track('u2', 'pay', { amount: 2 }));
  const { decisions, actions } = await runUntil(driver, 2);
  assert.deepEqual(lines(decisions), ['risky user/u1 fired', 'risky user/u2 condition']);
  assert.deepEqual(sends(actions), ['risky webhook to user/u1 {"score":0.8}']);
  const of = (id: string) => decisions.find(({ entity }) => entity.id === id)!;
  assert.deepEqual([of('u1').values, of('u2').values], [{ 'score("fraud")': 0.8 }, { 'score("fraud")': 0.2 }]);
  assert.equal(of('u1').at, FAKE_START);
  const at = new Date(FAKE_START).toISOString();
  assert.deepEqual(
    asked.sort((a, b) => Number(a.features['amount']) - Number(b.features['amount'])),
    [
      { model: 'fraud', at, entity: { type: 'user', id: 'u2' }, features: { amount: 2, plan: null } },
      { model: 'fraud', at, entity: { type: 'user', id: 'u1' }, features: { amount: 8, plan: null } },
    ],
  );
});

test('a replay of the journal comes to the same decisions, and asks no model (I1)', async (t) => {
  const { url, asked } = await modelServer(t);
  const context = fraud(url);
  const driver = await scored(t, context);
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }), track('u2', 'pay', { amount: 2 }));
  await runUntil(driver, 2);
  const ruleSet = compile({ rules: SCORED, context });
  const topology = topologyOf(ruleSet, { asksModels: true });
  const replayed = await replayJournal({ log: driver.log, topology, application: 'test', outOfOrdernessMs: 5_000 });
  const hex = ({ value }: { value: Uint8Array | null }): string => Buffer.from(value!).toString('hex');
  for (const [topic, count] of [
    ['tripline.decisions', 2],
    ['actions.webhook', 1],
  ] as const) {
    const live = await readPartition(driver.log, { topic, partition: 0 });
    assert.equal(live.length, count);
    assert.deepEqual(replayed.get(`${topic}/0`)!.map(hex), live.map(hex));
  }
  assert.equal(asked.length, 2);
});

test('an answer is good for its cache time, and asked for once', async (t) => {
  const { url, asked } = await modelServer(t);
  const driver = await scored(t, fraud(url, 'cache: 1h'));
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }), track('u1', 'pay', { amount: 2 }));
  const both = await runUntil(driver, 2);
  assert.deepEqual(lines(both.decisions), ['risky user/u1 fired', 'risky user/u1 fired']);
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 3 }));
  const third = await runUntil(driver, 1);
  assert.deepEqual(lines(third.decisions), ['risky user/u1 fired']);
  const sent = 'risky webhook to user/u1 {"score":0.8}';
  assert.deepEqual([sends(both.actions), sends(third.actions)], [[sent, sent], [sent]]);
  assert.deepEqual(
    asked.map(({ features }) => features['amount']),
    [8],
  );
});

test('a model that fails, is slow or answers nonsense gives its default; without one the condition fails', async (t) => {
  const answers = [{ status: 500, body: '' }, { body: 'hm' }, { body: '{"score":"high"}' }, null];
  const { url } = await modelServer(t, (amount) => answers[amount]!);
  const pays = answers.map((_, i) => track(`u${i}`, 'pay', { amount: i }));
  const withDefault = await scored(t, fraud(url, 'default: 0.9'));
  await withDefault.pipe('events.shop', ...pays);
  const found = await runUntil(withDefault, 4);
  assert.deepEqual(
    found.decisions.map(({ reason, values }) => [reason, values['score("fraud")']]),
    answers.map(() => [null, 0.9]),
  );
  assert.deepEqual(
    sends(found.actions),
    answers.map((_, i) => `risky webhook to user/u${i} {"score":0.9}`),
  );
  const without = await scored(t, fraud(url));
  await without.pipe('events.shop', ...pays);
  const failed = await runUntil(without, 4);
  assert.deepEqual(
    failed.decisions.map(({ reason, values }) => [reason, values['score("fraud")']]),
    answers.map(() => ['condition', null]),
  );
  assert.deepEqual(failed.actions, []);
});

test('a request that a crash interrupted is asked again, and its candidate decided once', async (t) => {
  let calls = 0;
  const { url } = await modelServer(t, (amount) => (++calls === 1 ? null : { body: String(amount / 10) }));
  const driver = await scored(t, fraud(url));
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }));
  await driver.run();
  await until(() => calls > 0, { message: 'the model is asked' });
  await driver.crash();
  await driver.clock.advance(61_000);
  const { decisions, actions } = await runUntil(driver, 1);
  assert.deepEqual(lines(decisions), ['risky user/u1 fired']);
  assert.deepEqual(sends(actions), ['risky webhook to user/u1 {"score":0.8}']);
  await driver.advanceWallClock(61_000);
  assert.deepEqual(await written(driver), { decisions: [], actions: [], late: [], deadLetters: [] });
});

test('a rule that is switched off asks no model', async (t) => {
  const { url, asked } = await modelServer(t);
  const context = fraud(url);
  const ruleSet = compile({ rules: `${SCORED}\nenabled: false`, context });
  const scorer = httpScorer(ruleSet.context.models.get('fraud') as RemoteModel, systemClock);
  t.after(() => scorer.close());
  const scorers = new Map([['fraud', scorer]]);
  const driver = await open(t, { rules: `${SCORED}\nenabled: false`, context, job: { asksModels: true }, scorers });
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }));
  await driver.run();
  const { decisions, actions } = await written(driver);
  assert.deepEqual(lines(decisions), ['risky user/u1 disabled']);
  assert.deepEqual([actions, asked, await driver.read('test-score-requests')], [[], [], []]);
});

test('where models cannot be asked, as in a backtest, the default stands at once', async (t) => {
  const context = { ...fraud('http://127.0.0.1:9/', 'default: 0.9'), withRemoteModels: false };
  const driver = await open(t, { rules: SCORED, context });
  await driver.pipe('events.shop', track('u1', 'pay', { amount: 8 }));
  await driver.run();
  const { decisions, actions } = await written(driver);
  assert.deepEqual(lines(decisions), ['risky user/u1 fired']);
  assert.deepEqual(sends(actions), ['risky webhook to user/u1 {"score":0.9}']);
});

test('what an event-time rule has still to count is not forgotten when a much later event is read first', async (t) => {
  const rules = '{ id: in, order: event-time, when: { segment: { enters: busy } } }';
  const context = { segments: [{ file: 's.yaml', text: `id: busy\nwhere: 'count("add", "40s") >= 2'` }] };
  const driver = await open(t, { rules, context });
  const addAt = (time: number) => {
    const { key, value } = track('u1', 'add');
    return { key, value: JSON.stringify({ ...JSON.parse(value), timestamp: time }) };
  };
  await driver.pipe('events.shop', addAt(FAKE_START), addAt(FAKE_START + 1));
  await driver.clock.advance(60_000);
  await driver.pipe('events.shop', addAt(FAKE_START + 60_000));
  await driver.advanceWallClock(HOUR);
  const { decisions, late } = await written(driver);
  assert.deepEqual(lines(decisions), ['in user/u1 fired']);
  assert.equal(decisions[0]!.at, FAKE_START + 1);
  assert.deepEqual(late, []);
});

const SEGMENT = {
  event: 'Segment Consent Preference Updated',
  preferences: { Advertising: { category: 'news' }, C0005: { channel: 'sms' } },
} as const;
const LEFT = { event: 'Left', category: 'news', allowed: false } as const;

function choice(userId: string, categoryPreferences: object, more: object = {}) {
  const message = {
    type: 'track',
    messageId: `m${made++}`,
    userId,
    event: SEGMENT.event,
    timestamp: FAKE_START,
    context: { consent: { categoryPreferences } },
    ...more,
  };
  return { key: userId, value: JSON.stringify(message) };
}

for (const keyed of [true, false]) {
  test(`an event of Segment’s consent makes a change of consent, which holds like any other, keyed ${keyed}`, async (t) => {
    const rules = `{ id: hello, when: { event: view }, category: news, then: [{ send: { channel: email, template: hi } }] }`;
    const source = { topic: 'events.shop', format: 'segment', keyed, entity: 'user' } as const;
    const job = { sources: [source], readsFacts: true, consentEvents: [SEGMENT, LEFT] };
    const driver = await open(t, { rules, job, partitions: 2 });
    await driver.pipe(
      'events.shop',
      choice('u1', { Advertising: false, C0005: true, Analytics: false }),
      choice('u2', { Analytics: false }),
      choice('u3', {}, { type: 'page', name: SEGMENT.event }),
      track('u4', 'Left'),
      track('u5', 'Stayed'),
    );
    await driver.run();
    await driver.run();
    await driver.pipe('events.shop', ...['u1', 'u2', 'u3', 'u4', 'u5'].map((user) => track(user, 'view')));
    await driver.run();
    await driver.run();
    const { decisions, deadLetters } = await written(driver);
    assert.deepEqual(lines(decisions), [
      'hello user/u1 consent',
      'hello user/u2 fired',
      'hello user/u3 fired',
      'hello user/u4 consent',
      'hello user/u5 fired',
    ]);
    assert.deepEqual(deadLetters, []);
    const changes = [];
    for (const partition of [0, 1]) {
      for (const { key, value } of await readPartition(driver.log, { topic: 'tripline.consent-changes', partition })) {
        changes.push([Buffer.from(key!).toString(), JSON.parse(Buffer.from(value!).toString())]);
      }
    }
    changes.sort(([one], [other]) => (one < other ? -1 : 1));
    const timestamp = new Date(FAKE_START).toISOString();
    const of = { userId: 'u1', categories: { news: false }, channels: { sms: true } };
    assert.deepEqual(changes, [
      ['u1', { ...of, timestamp, source: `event ${SEGMENT.event}` }],
      ['u4', { userId: 'u4', categories: { news: false }, timestamp, source: 'event Left' }],
    ]);
  });
}

test('an event that is to say consent and cannot be understood is a dead letter, and nobody is shown it (C1)', async (t) => {
  const rules = `{ id: seen, when: { event: "${SEGMENT.event}" } }`;
  const driver = await open(t, { rules, job: { readsFacts: true, consentEvents: [SEGMENT] } });
  await driver.pipe(
    'events.shop',
    choice('u1', { Advertising: 'no' }),
    choice('u2', {}, { context: {} }),
    choice('u3', { Advertising: null }),
  );
  await driver.run();
  const { decisions, deadLetters } = await written(driver);
  assert.deepEqual(lines(decisions), ['seen user/u3 fired']);
  assert.deepEqual(
    deadLetters.map(({ message }: DeadLetter) => message),
    [
      `the event "${SEGMENT.event}", which is to say consent (consent.events), has neither true nor false at ` +
        'context.consent.categoryPreferences.Advertising',
      `the event "${SEGMENT.event}", which is to say consent (consent.events), has no object at ` +
        'context.consent.categoryPreferences',
    ],
  );
});

test('what events say of consent is kept for ever, as the proof of everything else is', () => {
  const ruleSet = compile({ rules: '{ id: seen, when: { event: view } }' });
  const topology = topologyOf(ruleSet, { readsFacts: true, consentEvents: [LEFT] });
  const retentionMs = { public: 1, deadLetter: 1, internal: 1, messages: 1 };
  const settings = { retentionMs, replicationFactor: null, minInSyncReplicas: null };
  const topics = requiredTopics('test', topology.subTopologies(), 1, settings);
  assert.equal(topics.find(({ topic }) => topic === 'tripline.consent-changes')!.retentionMs, undefined);
  assert.equal(topics.find(({ topic }) => topic === 'tripline.decisions')!.retentionMs, 1);
});

const ASKING = `id: hello
when: { event: view }
category: news
then: [{ send: { channel: email, template: hi } }]
---
id: ask
when: { event: consent_requested }
category: confirmation
then: [{ send: { channel: email, template: confirm, data: { url: event.properties.confirmUrl } } }]`;

async function asking(t: TestContext) {
  const confirmations = { withinMs: HOUR, urlOf: (request: object) => `https://x.test/${JSON.stringify(request)}` };
  const context = { doubleOptIn: ['news', 'channel:sms'], always: ['confirmation'] };
  const driver = await open(t, { rules: ASKING, context, job: { readsFacts: true, hasWallTime: true, confirmations } });
  const say = async (value: object, userId = 'u1') => {
    await driver.pipe('tripline.consent-changes', { key: userId, value: JSON.stringify({ userId, ...value }) });
    await driver.run();
  };
  const view = async () => {
    await driver.pipe('events.shop', track('u1', 'view'));
    await driver.run();
  };
  const since = async () => {
    const { decisions, actions, deadLetters } = await written(driver);
    return { decided: lines(decisions), actions, refused: deadLetters.map(({ reason }: DeadLetter) => reason) };
  };
  return { driver, say, view, since };
}

const at = (minute: number) => new Date(FAKE_START + minute * 60_000).toISOString();

test('who said yes to what must be confirmed is asked by a rule of the user’s, and is not sent to before the link was followed', async (t) => {
  const { say, view, since } = await asking(t);
  await view();
  await say({ categories: { news: true, other: true }, channels: { sms: true }, timestamp: at(0), source: 'form' });
  await view();
  const first = await since();
  assert.deepEqual(first.decided, ['ask user/u1 fired', 'hello user/u1 consent', 'hello user/u1 consent']);
  assert.deepEqual(
    first.actions.map(({ data }: Action) => data),
    [
      {
        url: `https://x.test/${JSON.stringify({ userId: 'u1', categories: ['news'], channels: ['sms'], at: FAKE_START })}`,
      },
    ],
  );
  await say({ categories: { news: true }, timestamp: at(1), requestedAt: at(0) });
  await view();
  // Who has confirmed is asked no more, only after a no.
  await say({ categories: { news: true }, timestamp: at(2) });
  assert.deepEqual((await since()).decided, ['hello user/u1 fired']);
  await say({ all: false, timestamp: at(3) });
  await say({ all: true, categories: { news: true }, timestamp: at(4) });
  await view();
  const last = await since();
  assert.deepEqual([last.decided, last.refused], [['ask user/u1 fired', 'hello user/u1 consent'], []]);
});

test('nobody is asked about a no, about what needs no confirmation, or about a yes that came before its no or long ago (O1)', async (t) => {
  const { say, since } = await asking(t);
  await say({ categories: { news: false, other: true } });
  await say({ all: true });
  await say({ categories: { news: true }, timestamp: at(-1) });
  await say({ categories: { news: true }, timestamp: at(-61) }, 'u2');
  assert.deepEqual((await since()).decided, []);
});

test('while there is double opt-in no source can ask in our name', async (t) => {
  const { driver, since } = await asking(t);
  await driver.pipe('events.shop', track('u1', 'consent_requested', { confirmUrl: 'https://elsewhere.test' }));
  await driver.run();
  const { decided, refused } = await since();
  assert.deepEqual([decided, refused], [[], ['TRG_RECORD_RESERVED']]);
});
