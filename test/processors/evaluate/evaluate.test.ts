import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../../schemas/event.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const QUIET = 'id: quiet\nwhen: { inactive: { for: 1h, event: seen } }';
const ONE = 'id: one\nwhen: { event: paid }';
const HOUR = 3_600_000;

function identify(time: number, traits: Record<string, string>): Event {
  return event('identify', time, {}, { type: 'identify', traits });
}

test('an event that no rule asks for leaves no trace in state (V1)', () => {
  const run = new EvaluateRun(ONE).see(event('other', 10), identify(20, { plan: 'pro' }));
  assert.equal(run.document(), undefined);
  assert.equal(run.documents.dirtyBytes, 0);
  assert.equal(run.context.counters.total('unasked'), 2);
});

test('traits are kept once a rule reads the profile', async () => {
  const run = new EvaluateRun(`${ONE}\nif: 'profile.plan == "pro"'`).see(identify(20, { plan: 'pro' }));
  await run.passTo(20);
  assert.deepEqual(run.document()?.profile?.get('plan'), { value: 'pro', at: 20 });
});

test('traits that come late are kept all the same, behind newer ones (V3)', async () => {
  const run = new EvaluateRun(`${QUIET}\nif: 'profile.plan == "pro" && profile.tier == "gold"'`).see(
    event('seen', 100),
  );
  run.see(identify(90, { plan: 'pro' }));
  await run.passTo(200);
  run.see(identify(50, { plan: 'free', tier: 'gold' }));
  await run.passTo(10 * HOUR);
  assert.deepEqual(run.lines, [`quiet@${100 + HOUR}`]);
  assert.deepEqual(run.decisions[0]!.values, { 'profile.plan': 'pro', 'profile.tier': 'gold' });
});

test('event-time rules see events in order of time, equal times in order of arrival (V2)', async () => {
  const rules = ['a', 'b', 'c']
    .map((name) => `id: ${name}\nwhen: { event: ${name} }\norder: event-time`)
    .join('\n---\n');
  const run = new EvaluateRun(rules).see(event('b', 20), event('a', 10), event('c', 20));
  assert.deepEqual(run.lines, []);
  await run.passTo(30);
  assert.deepEqual(run.lines, ['a@10', 'b@20', 'c@20']);
});

test('a deadline comes after the events stamped with it and before those stamped later (V2)', async () => {
  const run = new EvaluateRun(QUIET).see(event('seen', 0), event('seen', HOUR), event('seen', 2 * HOUR + 1));
  await run.passTo(10 * HOUR);
  assert.deepEqual(run.lines, [`quiet@${2 * HOUR}`, `quiet@${3 * HOUR + 1}`]);
});

test('an event is late once its own entity was evaluated past it, and another entity’s event is not (V3)', async () => {
  const run = new EvaluateRun(`${QUIET}\n---\n${ONE.replace('paid', 'seen')}`).see(event('seen', 100));
  await run.passTo(200);
  run.see(event('seen', 99), event('seen', 100), event('seen', 50, {}, { userId: 'u2' }));
  assert.deepEqual(
    run.late.map(({ entity, timestamp, evaluatedTo, rules }) => ({ entity, timestamp, evaluatedTo, rules })),
    [{ entity: 'user/u1', timestamp: 99, evaluatedTo: 100, rules: ['quiet'] }],
  );
  assert.equal(run.context.counters.by('late', 'rule').get('quiet'), 1);
  assert.deepEqual(run.lines, ['one@100', 'one@99', 'one@100', 'one@50']);
  assert.deepEqual(run.remains('u2'), ['buffered seen@50']);
});

test('a repeated message id is taken once, until it is older than the window', () => {
  const again = (time: number): Event => event('paid', time, {}, { messageId: 'same' });
  const run = new EvaluateRun(ONE, { dedupeWindowMs: 1_000 }).see(again(10), again(10), again(1_010), again(1_011));
  assert.deepEqual(run.lines, ['one@10', 'one@1011']);
  assert.equal(run.context.counters.total('duplicate'), 2);
});

test('of more than 256 values of `by` the oldest is dropped and counted', async () => {
  const rule = "id: carts\nwhen: { by: 'event.properties.cart', inactive: { for: 1h, event: seen } }";
  const run = new EvaluateRun(rule);
  for (let i = 0; i < 258; i++) run.see(event('seen', i, { cart: `c${i}` }));
  await run.passTo(1_000);
  const kept = Array.from({ length: 256 }, (_, i) => `pattern carts "c${i + 2}"`);
  assert.deepEqual(run.remains(), kept);
  assert.equal(run.context.counters.by('dropped', 'what').get('by'), 2);
  await run.passTo(2 * HOUR);
  assert.deepEqual(
    run.lines,
    Array.from({ length: 256 }, (_, i) => `carts@${i + 2 + HOUR}`),
  );
});

test('an entity with 10,000 events waiting has the earliest evaluated before its time, and that is counted', () => {
  const run = new EvaluateRun('id: one\nwhen: { event: paid }\norder: event-time');
  for (let i = 0; i < 10_002; i++) run.see(event('paid', i));
  assert.equal(run.context.counters.total('buffer-overflow'), 2);
  assert.equal(run.document()!.buffer.length, 10_000);
  assert.deepEqual(run.lines, ['one@0', 'one@1']);
  assert.equal(run.late.length, 0);
});

test('state that another kind of pattern left under the same rule id is dropped, and its deadline with it', async () => {
  let rules = check(QUIET).ruleSet;
  const run = new EvaluateRun(() => rules).see(event('seen', 0));
  await run.passTo(10);
  rules = check('id: quiet\nwhen: { count: { event: seen, atLeast: 2, within: 1h } }').ruleSet;
  run.see(event('seen', 20), event('seen', 30));
  await run.passTo(10 * HOUR);
  assert.deepEqual(run.lines, ['quiet@30']);
});

test('an expression of `by` that fails keeps the event from its rule alone, and is counted', () => {
  const rule = "id: carts\nwhen: { by: 'event.properties.cart', event: paid }";
  const run = new EvaluateRun(`${rule}\n---\n${ONE}`).see(event('paid', 5));
  assert.deepEqual(run.lines, ['one@5']);
  assert.equal(run.context.counters.by('expression-failed', 'rule').get('carts'), 1);
});
