import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NeedsCollector } from '../../../rules/expressions/needs.ts';
import { check, compiled, errorsOf, event, scopeOf, unexpected } from '../kit.ts';

test('what a rule leaves out has its default', () => {
  const { pattern: _, version: __, shape: ___, needs, gates, ...rule } = compiled('{ id: a, when: { event: e } }');
  assert.deepEqual(rule, {
    id: 'a',
    entity: 'user',
    enabled: true,
    priority: 50,
    urgency: 'marketing',
    category: null,
    description: null,
    lane: 'arrival',
    reorderMs: 5_000,
    by: null,
    firedKey: null,
    sends: [],
  });
  assert.deepEqual(
    gates.map(({ reason }) => reason),
    ['disabled', 'cap'],
  );
  assert.deepEqual({ ...needs }, { ...new NeedsCollector() });
});

test('what a rule says is kept', () => {
  const rule = compiled(
    `
id: a
entity: device
enabled: false
when: { event: e }
priority: 0
urgency: critical
category: alerts
cooldown: 1h
limit: [{ max: 3, per: 7d }, { max: 1, per: 1d }]
`,
    { entities: ['device'] },
  );
  const { entity, enabled, priority, urgency, category } = rule;
  assert.deepEqual([entity, enabled, priority, urgency, category], ['device', false, 0, 'critical', 'alerts']);
  const asked = rule.gates.map(({ reason, historyMs }) => [reason, historyMs ?? 0]);
  assert.deepEqual(asked, [
    ['disabled', 0],
    ['cooldown', 3_600_000],
    ['limit', 604_800_000],
    ['cap', 0],
  ]);
  assert.equal(rule.firedKey, null);
});

test('each pattern has its lane, and order overrides it', () => {
  const lane = (fields: string) => compiled(`{ id: a, ${fields} }`).lane;
  assert.equal(lane('when: { event: e }'), 'arrival');
  assert.equal(lane('when: { count: { event: e, atLeast: 1, within: 1h } }'), 'arrival');
  assert.equal(lane('when: { inactive: { for: 1h } }'), 'event-time');
  assert.equal(lane('when: { absence: { after: { event: e }, of: f, within: 1h } }'), 'event-time');
  assert.equal(lane('order: event-time, when: { event: e }'), 'event-time');
  assert.equal(lane('order: arrival, when: { inactive: { for: 1h } }'), 'arrival');
});

test('the version changes with the meaning, not with words, tests or the order of fields', () => {
  const version = (text: string) => compiled(text).version;
  const base = version('{ id: a, when: { event: e }, priority: 3 }');
  assert.match(base, /^[0-9a-f]{12}$/);
  assert.equal(version('{ priority: 3, id: a, description: x, owner: y, when: { event: e }, tests: [] }'), base);
  assert.notEqual(version('{ id: a, when: { event: e }, priority: 4 }'), base);
});

test('by and the cooldown key come as text that tells values apart', () => {
  const rule = compiled(`
id: a
when: { event: e, as: cart, by: event.properties.id }
cooldown: { for: 1h, key: cart.properties.id }
`);
  const by = (id: null | number | string) => rule.by?.evaluate(scopeOf({ event: event('e', 0, { id }) }));
  assert.deepEqual([by(1), by('1'), by(null)], ['1', '"1"', null]);
  assert.throws(() => rule.by?.evaluate(scopeOf({ event: event('e', 0) })), /No such key/);
  const cart = event('e', 0, { id: 'c1' });
  assert.equal(rule.firedKey?.evaluate(scopeOf({ captures: { cart } })), '"c1"');
});

test('data evaluates expressions, keeps durations and constants, and walks lists and mappings', () => {
  const rule = compiled(`
id: a
when: { event: e, as: cart }
then:
  - send:
      channel: webhook
      data:
        coupon: '"SAVE10"'
        validFor: 4h
        count: 3
        flag: true
        nothing: null
        id: cart.properties.id
        next: event.properties.n + 1
        whole: size(event.properties.list)
        when: event.timestamp
        ago: now - timestamp("1970-01-01T00:00:00Z")
        nested: { list: [event.event, 2, { x: '"y"' }] }
`);
  const e = event('e', 7_200_000, { id: 'c1', n: 1, list: [1, 2] });
  const data = rule.sends[0]!.data(scopeOf({ event: e, captures: { cart: e }, now: e.time }), unexpected);
  assert.deepEqual(data, {
    coupon: 'SAVE10',
    validFor: '4h',
    count: 3,
    flag: true,
    nothing: null,
    id: 'c1',
    next: 2,
    whole: 2,
    when: '1970-01-01T02:00:00.000Z',
    ago: '2h',
    nested: { list: ['e', 2, { x: 'y' }] },
  });
});

test('a value of data that fails is null, and reported', () => {
  const rule = compiled(
    '{ id: a, when: { event: e }, then: [{ send: { channel: webhook, data: { x: event.properties.x } } }] }',
  );
  const failures: string[] = [];
  const data = rule.sends[0]!.data(scopeOf({ event: event('e', 0) }), (source) => failures.push(source));
  assert.deepEqual([data, failures], [{ x: null }, ['event.properties.x']]);
});

test('sends are numbered by their step', () => {
  const rule = compiled(`
id: a
when: { event: e }
then:
  - send: { channel: webhook }
  - send: { channel: email, template: hello, fallback: [sms] }
`);
  assert.deepEqual(
    rule.sends.map(({ step, channels, template }) => ({ step, channels, template })),
    [
      { step: 0, channels: ['webhook'], template: null },
      { step: 1, channels: ['email', 'sms'], template: 'hello' },
    ],
  );
});

test('what the expressions of a rule need is taken together, wherever they stand', () => {
  const rule = compiled(`
id: a
when: { event: e, where: 'sent("email", "2d") == 0' }
if: sent("any", "1h") < 3
then: [{ send: { channel: webhook, data: { plan: profile.plan } } }]
`);
  assert.deepEqual([rule.needs.sentMs, rule.needs.profile], [172_800_000, true]);
});

test('a rule whose template may show the profile needs it', () => {
  const send = (channel: string) => `{ id: a, when: { event: e }, then: [{ send: { ${channel} } }] }`;
  assert.equal(compiled(send('channel: email, template: hi')).needs.profile, true);
  assert.equal(compiled(send('channel: webhook')).needs.profile, false);
});

test('a rule without then has nothing to send', () => {
  assert.deepEqual(check('{ id: a, when: { event: e } }').rules[0]?.sends, []);
});

test('text in data that is no expression is told to stand in quotes', () => {
  const text = '{ id: a, when: { event: e }, then: [{ send: { channel: webhook, data: { coupon: SAVE10 } } }] }';
  assert.match(errorsOf(text)[0]!, /unknown name "SAVE10".*text stands in quotes/);
});
