import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTRIBUTE_BYTES_MAX, ATTRIBUTES_MAX, AttributeRoom } from '../../../processors/evaluate/attribute-room.ts';
import type { Event } from '../../../schemas/event.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import { documentBytes } from '../../../state/store/stored-document.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const READS_PLAN = `id: one\nwhen: { event: paid }\nif: 'profile.plan == "pro"'`;
const NOBODY = new Set<string>();

function identify(time: number, traits: JsonObject): Event {
  return event('identify', time, {}, { type: 'identify', traits });
}

function traitsOf(from: number, count: number, text = 'x'.repeat(200)): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`trait-${from + i}`, text]));
}

test('a thousand messages of new traits each leave a bounded document, and are counted', async () => {
  const run = new EvaluateRun(READS_PLAN);
  const spec = entityDocumentSpec(() => check(READS_PLAN).ruleSet);
  let largest = 0;
  for (let i = 0; i < 1_000; i++) {
    run.see(identify(i, traitsOf(i * 140, 140)));
    if (i % 100 === 99) largest = Math.max(largest, documentBytes(spec, run.document()!).length);
  }
  assert.ok(largest < 4 * ATTRIBUTE_BYTES_MAX, `${largest} bytes`);
  await run.passTo(2_000);
  const { profile, buffer } = run.document()!;
  assert.equal(buffer.length, 0);
  assert.ok(profile!.size > 100 && profile!.size <= ATTRIBUTES_MAX, String(profile!.size));
  assert.ok(documentBytes(spec, run.document()!).length < 2 * ATTRIBUTE_BYTES_MAX);
  assert.ok(run.context.counters.total('dropped') > 900);
});

test('what a rule asks for is kept when there is no room for anything else (R1)', async () => {
  const run = new EvaluateRun(READS_PLAN);
  for (let i = 0; i < 20; i++) run.see(identify(i, traitsOf(i * 140, 140)));
  run.see(identify(30, { plan: 'pro', email: 'a@b.test', other: 'x'.repeat(300) }));
  await run.passTo(40);
  const { profile } = run.document()!;
  assert.equal(profile!.get('plan')?.value, 'pro');
  assert.equal(profile!.get('email')?.value, 'a@b.test');
  assert.equal(profile!.get('other'), undefined);
  run.see(event('paid', 50));
  assert.deepEqual(run.lines, ['one@50']);
});

test('what is known is not taken away for what comes, and can still change (R2)', () => {
  const room = new AttributeRoom(null, NOBODY);
  for (let i = 0; i < ATTRIBUTES_MAX; i++) assert.equal(room.take(`a${i}`, i), true);
  assert.equal(room.take('one more', 1), false);
  assert.equal(room.take('a0', 'another value'), true);
  const large = new AttributeRoom(new Map([['a', { value: 'x'.repeat(ATTRIBUTE_BYTES_MAX - 1), at: 0 }]]), NOBODY);
  assert.equal(large.take('a', 'x'.repeat(ATTRIBUTE_BYTES_MAX)), false);
  assert.equal(large.take('b', 1), false);
  assert.equal(large.take('a', 'short'), true);
  assert.equal(large.take('b', 1), true);
});

test('an event for whose traits there is room is itself', () => {
  const told = identify(1, { plan: 'pro' });
  assert.equal(new AttributeRoom(null, NOBODY).fit(told), told);
});

test('a rule about identify messages is shown all that was sent, kept or not', async () => {
  const rules = `${READS_PLAN}\n---\nid: told\norder: event-time\nwhen: { event: identify, where: 'event.traits.last == 1' }`;
  const run = new EvaluateRun(rules);
  run.see(identify(1, traitsOf(0, 400)), identify(2, { ...traitsOf(400, 400), last: 1 }));
  await run.passTo(10);
  assert.deepEqual(run.lines, ['told@2']);
  const bytes = [...run.document()!.profile!].reduce(
    (sum, [name, { value }]) => sum + name.length + String(value).length,
    0,
  );
  assert.ok(bytes <= ATTRIBUTE_BYTES_MAX, String(bytes));
});

test('a group is bounded as a profile is, and another group begins anew', async () => {
  const run = new EvaluateRun(`id: one\nwhen: { event: paid }\nif: 'account.plan == "pro"'`);
  const group = (time: number, groupId: string, traits: JsonObject) =>
    event('group', time, { groupId }, { type: 'group', traits });
  for (let i = 0; i < 20; i++) run.see(group(i, 'g1', traitsOf(i * 140, 140)));
  assert.ok(run.context.counters.total('dropped') > 10);
  run.see(group(30, 'g2', { plan: 'pro', other: 'y' }));
  await run.passTo(40);
  run.see(event('paid', 50));
  assert.deepEqual(run.lines, ['one@50']);
});
