import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NeedsCollector } from '../../../rules/expressions/needs.ts';
import { isChannelGate } from '../../../rules/gates/gate.ts';
import { compiled, event, scopeOf } from '../kit.ts';

test('what a rule leaves out has its default', () => {
  const { pattern: _, version: __, shape: ___, needs, gates, ...rule } = compiled('{ id: a, when: { event: e } }');
  assert.deepEqual(rule, {
    id: 'a',
    entity: 'user',
    enabled: true,
    priority: 50,
    urgency: 'marketing',
    validForMs: null,
    category: null,
    description: null,
    lane: 'arrival',
    reorderMs: 5_000,
    by: null,
    firedKey: null,
    exclusive: null,
    review: null,
    program: {
      steps: [],
      sends: [],
      goal: null,
      stopOn: [],
      reentry: 'none',
      inFlight: 'move',
      isFlow: false,
      waits: false,
      listensTo: [],
      outline: '',
    },
  });
  assert.deepEqual(
    gates.map(({ reason }) => reason),
    ['disabled', 'global-holdout', 'stale'],
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
  const asked = rule.gates.map((gate) => [gate.reason, isChannelGate(gate) ? 0 : (gate.historyMs ?? 0)]);
  assert.deepEqual(asked, [
    ['disabled', 0],
    ['global-holdout', 0],
    ['cooldown', 3_600_000],
    ['limit', 604_800_000],
    ['stale', 0],
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
