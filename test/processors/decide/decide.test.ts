import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InactiveState } from '../../../rules/patterns/inactive.ts';
import { PATTERN_STATES } from '../../../rules/patterns/index.ts';
import type { Action } from '../../../schemas/action.ts';
import { traceparentOf } from '../../../schemas/trace.ts';
import { sentFacts } from '../../../state/entity/facts.ts';
import { event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;

function rule(id: string, more = ''): string {
  return `id: ${id}\nwhen: { event: paid, as: order }\n${more}`;
}

test('candidates of one event go by priority, then urgency, then id (K2)', () => {
  const rules = [
    rule('low', 'priority: 10'),
    rule('b-default'),
    rule('a-default'),
    rule('critical', 'urgency: critical'),
    rule('operational', 'urgency: operational'),
    rule('high', 'priority: 90'),
  ].map((text) => `${text}\nthen: [{ send: { channel: webhook } }]`);
  const run = new EvaluateRun(rules.join('\n---\n')).see(event('paid', 5));
  const order = ['high', 'critical', 'operational', 'a-default', 'b-default', 'low'];
  assert.deepEqual(
    run.lines,
    order.map((id) => `${id}@5`),
  );
  assert.deepEqual(
    run.sends,
    order.map((id) => `${id}@5 webhook to u1`),
  );
});

test('ids depend on rule, entity and match alone, and differ when one of them does (K1)', () => {
  const paid = (id: string, user = 'u1', time = 5) => event('paid', time, {}, { messageId: id, userId: user });
  const idsOf = (...events: ReturnType<typeof paid>[]): string[] =>
    new EvaluateRun([rule('a'), rule('b')].join('\n---\n')).see(...events).decisions.map((decision) => decision.id);
  const [a1, b1] = idsOf(paid('m1'));
  assert.match(a1!, /^[0-9a-f]{32}$/);
  assert.deepEqual(idsOf(paid('m0'), paid('m1')).slice(2), [a1, b1]);
  const ids = [a1, b1, ...idsOf(paid('m2')), ...idsOf(paid('m1', 'u2')), ...idsOf(paid('m1', 'u1', 6))];
  assert.equal(new Set(ids).size, 8);
});

test('a candidate that is refused leaves a decision with its reason and what the condition saw, and no action (K3)', () => {
  const more = `if: 'order.properties.value > 10.0'\nthen: [{ send: { channel: webhook } }]`;
  const run = new EvaluateRun(rule('big', more)).see(event('paid', 5, { value: 3 }), event('paid', 6, { value: 30 }));
  assert.deepEqual(run.lines, ['big@5 condition', 'big@6']);
  assert.deepEqual(
    run.decisions.map(({ outcome, values }) => ({ outcome, values })),
    [
      { outcome: 'suppressed', values: { 'order.properties.value': 3 } },
      { outcome: 'fired', values: { 'order.properties.value': 30 } },
    ],
  );
  assert.deepEqual(run.sends, ['big@6 webhook to u1']);
});

test('an action carries its decision, its data, and the event and captures for templates', () => {
  const more = `category: news
urgency: operational
then:
  - send: { channel: webhook, data: { twice: 'order.properties.value * 2.0' } }
  - send: { channel: email, template: hi, fallback: [sms, webhook] }`;
  const run = new EvaluateRun(rule('big', more)).see(event('paid', 5, { value: 30 }, { messageId: 'm-paid' }));
  assert.deepEqual(run.sends, ['big@5 webhook to u1', 'big@5 email to u1']);
  const actions = run.context.valuesTo<Action>('actions');
  const [decision] = run.decisions;
  assert.deepEqual(decision!.events, ['m-paid']);
  const common = {
    decision: decision!.id,
    rule: 'big',
    ruleVersion: decision!.ruleVersion,
    entity: { type: 'user', id: 'u1' },
    at: 5,
    urgency: 'operational',
    category: 'news',
    variant: null,
    flow: null,
    attempt: 1,
    validUntil: null,
    ratePerSecond: null,
    devices: [],
  };
  assert.deepEqual(
    actions.map(({ id: _, context: __, ...action }) => action),
    [
      { ...common, step: 0, channel: 'webhook', fallback: [], template: null, data: { twice: 60 } },
      { ...common, step: 1, channel: 'email', fallback: ['sms', 'webhook'], template: 'hi', data: {} },
    ],
  );
  for (const { context } of actions) {
    const { event: shown, order, ...others } = context as Record<string, Record<string, unknown>>;
    assert.deepEqual([shown!['messageId'], shown!['properties']], ['m-paid', { value: 30 }]);
    assert.deepEqual(order, shown);
    assert.deepEqual(others, { profile: {} });
  }
});

test('ids of actions depend on their decision and step alone (K1)', () => {
  const more = 'then: [{ send: { channel: webhook } }, { send: { channel: webhook } }]';
  const idsOf = (messageId: string): string[] => {
    const run = new EvaluateRun(rule('a', more)).see(event('paid', 5, {}, { messageId }));
    return run.context.valuesTo<Action>('actions').map(({ id }) => id);
  };
  const ids = idsOf('m1');
  assert.match(ids[0]!, /^[0-9a-f]{32}$/);
  assert.deepEqual(idsOf('m1'), ids);
  assert.equal(new Set([...ids, ...idsOf('m2')]).size, 4);
});

test('the data of an absence’s event are there for its action, also after they were stored', async () => {
  const rules = `id: cart
when: { absence: { after: { event: add, as: cart }, of: { event: paid }, within: 1h } }
then: [{ send: { channel: webhook, data: { cart: cart.properties.id } } }]`;
  const run = new EvaluateRun(rules).see(event('add', 5, { id: 'c1' }));
  await run.passTo(10);
  run.documents.changes();
  assert.deepEqual([run.lines, run.remains()], [[], ['pattern cart']]);
  await run.passTo(HOUR + 5);
  assert.deepEqual(run.lines, [`cart@${HOUR + 5}`]);
  assert.deepEqual(run.sends, [`cart@${HOUR + 5} webhook to u1`]);
  assert.deepEqual(run.context.valuesTo<Action>('actions')[0]!.data, { cart: 'c1' });
  assert.deepEqual(run.remains(), []);
});

test('a rule that reads nothing of its events keeps them without data', async () => {
  const run = new EvaluateRun('id: quiet\nwhen: { inactive: { for: 1h, event: add } }').see(
    event('add', 5, { id: 'c1' }),
  );
  await run.passTo(10);
  const { state } = run.document()!.rules.get('quiet')!.instances[0]!;
  const quiet = state.open(PATTERN_STATES.get('inactive')!) as InactiveState;
  assert.deepEqual(quiet.last.properties, {});
});

test('an expression that fails makes its condition false and is counted with the rule', () => {
  const more = `if: 'order.properties.missing > 10.0'\nthen: [{ send: { channel: webhook } }]`;
  const run = new EvaluateRun(rule('big', more)).see(event('paid', 5));
  assert.deepEqual(run.lines, ['big@5 condition']);
  assert.deepEqual(run.sends, []);
  assert.equal(run.context.counters.by('expression-failed', 'rule').get('big'), 1);
});

test('sends are remembered twice as far back as the rules ask, for what comes out of order, and no further', () => {
  const rules = rule('mail', `if: 'sent("any", "1h") < 2'\nthen: [{ send: { channel: webhook } }]`);
  const run = new EvaluateRun(rules).see(event('paid', 1), event('paid', 2), event('paid', 3), event('paid', HOUR + 1));
  assert.deepEqual(run.lines, ['mail@1', 'mail@2', 'mail@3 condition', `mail@${HOUR + 1}`]);
  assert.deepEqual(run.remains(), ['sent webhook@1', 'sent webhook@2', `sent webhook@${HOUR + 1}`]);
  run.see(event('paid', 2 * HOUR + 2));
  assert.deepEqual(run.remains(), [`sent webhook@${HOUR + 1}`, `sent webhook@${2 * HOUR + 2}`]);
  // Nobody asks how much was sent.
  const unasked = rule('x', 'then: [{ send: { channel: webhook } }]');
  assert.deepEqual(new EvaluateRun(unasked).see(event('paid', 1)).remains(), []);
});

test('of someone who is sent without end the newest thousand sends are remembered (I8)', () => {
  const rules = rule('mail', `if: 'sent("any", "365d") >= 0'\nthen: [{ send: { channel: webhook } }]`);
  const run = new EvaluateRun(rules).see(event('paid', 1));
  const sent = Array.from({ length: 1_000 }, (_, i) => ({ channel: 'webhook', at: i + 1 }));
  run.document()!.sections.put(sentFacts, sent);
  run.see(event('paid', 1_001));
  assert.deepEqual(
    run.remains(),
    Array.from({ length: 1_000 }, (_, i) => `sent webhook@${i + 2}`),
  );
});

test('of a rule that fires without end the newest ten thousand are remembered, and the loss is noted and counted (I8)', () => {
  const run = new EvaluateRun(rule('cool', `cooldown: { for: 365d, key: 'string(order.messageId)' }`)).see(
    event('paid', 1),
  );
  const memory = run.document()!.rules.get('cool')!;
  memory.fired = Array.from({ length: 10_000 }, (_, i) => ({ key: `k${i}`, at: i + 1 }));
  run.see(event('paid', 10_001, {}, { messageId: 'last' }));
  assert.deepEqual(run.lines, ['cool@1', 'cool@10001']);
  assert.deepEqual(
    [memory.fired.length, memory.fired[0], memory.fired.at(-1)],
    [10_000, { key: 'k1', at: 2 }, { key: '"last"', at: 10_001 }],
  );
  assert.equal(memory.forgotten, 1);
  assert.equal(run.context.counters.by('dropped', 'what').get('fired'), 1);
});

test('fired decisions are forgotten once no gate can ask for them, and it is noted up to when', () => {
  const run = new EvaluateRun(rule('cool', 'cooldown: 1h'));
  for (let i = 0; i < 5; i++) run.see(event('paid', i * HOUR));
  const memory = run.document()!.rules.get('cool')!;
  assert.deepEqual(
    memory.fired.map(({ at }) => at / HOUR),
    [3, 4],
  );
  assert.equal(memory.forgotten, 2 * HOUR);
});

test('decision and actions continue the trace of the completing event, under a span that follows from the decision', () => {
  const paid = event('paid', 5);
  paid.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const more = `then: [{ send: { channel: webhook } }]`;
  const run = new EvaluateRun(rule('traced', more)).see(paid, event('paid', 6, {}, { messageId: 'other' }));
  const [traced] = run.decisions;
  const wanted = `00-0af7651916cd43dd8448eb211c80319c-${traced!.id.slice(0, 16)}-01`;
  assert.deepEqual(
    run.context.forwarded.map(({ to, message }) => [to, traceparentOf(message.headers)]),
    [
      ['decisions', wanted],
      ['actions', wanted],
      ['decisions', null],
      ['actions', null],
    ],
  );
});

test('an absence continues the trace of the event that started it, also after its document was stored', async () => {
  const start = event('cart', 5, { note: 'x' });
  start.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  const run = new EvaluateRun(
    'id: a\nwhen: { absence: { after: { event: cart }, of: { event: paid }, within: 1h } }',
  ).see(start);
  await run.passTo(100);
  run.storeAndLoad();
  await run.passTo(2 * HOUR);
  const headers = run.context.forwarded.map(({ message }) => traceparentOf(message.headers));
  assert.deepEqual(headers, [`00-0af7651916cd43dd8448eb211c80319c-${run.decisions[0]!.id.slice(0, 16)}-00`]);
});
