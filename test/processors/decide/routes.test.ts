import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import type { Undelivered } from '../../../processors/evaluate/evaluate.ts';
import type { CompileOptions, ContextFiles } from '../../../rules/index.ts';
import type { Action } from '../../../schemas/action.ts';
import { addressId } from '../../../schemas/address.ts';
import type { Event } from '../../../schemas/event.ts';
import { COMMAND_EVENT, CONSENT_EVENT, DELIVERY_TYPE } from '../../../schemas/internal-events.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function run(text: string, context: ContextFiles = {}, options: Partial<CompileOptions> = {}): EvaluateRun {
  const { errors, ruleSet } = check(text, { context, ...options });
  assert.deepEqual(errors.map(formatProblem), []);
  return new EvaluateRun(() => ruleSet);
}

const paid = (at: number, context: JsonObject = {}) => event('paid', at, {}, { context });
const identify = (at: number, traits: JsonObject) => event('identify', at, {}, { type: 'identify', traits });
const actionsOf = (found: EvaluateRun) => found.context.valuesTo<Action>('actions');
const waysOf = (found: EvaluateRun) =>
  actionsOf(found).map(({ at, channel, attempt, fallback }) => [at, channel, attempt, ...fallback]);

/** What came of an action, as the connectors' records tell it. */
function outcome(of: Action, what: string, at: number, properties: JsonObject = {}): Event {
  const told = { action: of.id, reason: null, address: null, ...properties };
  return event(`${of.channel}_${what}`, at, told, { type: DELIVERY_TYPE });
}

const ROUTE = `id: a
when: { event: paid }
then: [{ send: { channel: email, template: hi, fallback: [sms, webhook] } }]`;

test('a message that failed goes on with the next channel of its route, as another action of the same decision', () => {
  const found = run(ROUTE).see(paid(1));
  const [first] = actionsOf(found);
  found.see(outcome(first!, 'failed', 10, { reason: 'SMTP 550' }));
  const second = actionsOf(found)[1]!;
  assert.deepEqual(waysOf(found), [
    [1, 'email', 1, 'sms', 'webhook'],
    [10, 'sms', 2, 'webhook'],
  ]);
  assert.deepEqual([second.decision, second.step, second.template], [first!.decision, 0, 'hi']);
  assert.notEqual(second.id, first!.id);
  found.see(outcome(second, 'failed', 20));
  assert.deepEqual(waysOf(found).at(-1), [20, 'webhook', 3]);
  found.see(outcome(actionsOf(found)[2]!, 'failed', 30));
  assert.equal(actionsOf(found).length, 3);
  assert.deepEqual(found.routes(), []);
});

test('an outcome told again, of another message, or that is no end takes no further channel', () => {
  const found = run(ROUTE).see(paid(1), paid(2));
  const [first, other] = actionsOf(found);
  found.see(outcome(first!, 'opened', 3), outcome(first!, 'failed', 4), outcome(first!, 'failed', 5));
  assert.deepEqual(waysOf(found).slice(2), [[4, 'sms', 2, 'webhook']]);
  found.see(outcome(other!, 'delivered', 6), outcome(other!, 'failed', 7));
  assert.equal(actionsOf(found).length, 3);
});

test('a message skipped for its consent, address, suppression or channel goes on; one expired, cancelled or in a sandbox ends', () => {
  for (const [reason, goesOn] of [
    ['consent', true],
    ['no-address', true],
    ['suppressed', true],
    ['channel-disabled', true],
    ['expired', false],
    ['cancelled', false],
    ['sandbox', false],
  ] as const) {
    const found = run(ROUTE).see(paid(1));
    found.see(outcome(actionsOf(found)[0]!, 'skipped', 2, { reason }));
    assert.equal(actionsOf(found).length, goesOn ? 2 : 1, reason);
    assert.equal(found.routes().length, goesOn ? 1 : 0, reason);
  }
});

test('the next channel is asked for anew: consent that was taken back since, caps, and quiet hours hold', async () => {
  const no = event(CONSENT_EVENT, 5, { channels: { sms: false } }, { type: 'consent' });
  const found = run(ROUTE).see(paid(1), no);
  found.see(outcome(actionsOf(found)[0]!, 'failed', 10));
  assert.deepEqual(waysOf(found).at(-1), [10, 'webhook', 2]);

  const capped = run(ROUTE, { caps: [{ file: 'caps.yaml', text: '- { max: 1, per: 1h, channel: sms }' }] });
  capped.see(paid(1), paid(2));
  for (const action of actionsOf(capped)) capped.see(outcome(action, 'failed', 10));
  assert.deepEqual(waysOf(capped).slice(2), [
    [10, 'sms', 2, 'webhook'],
    [10, 'webhook', 2],
  ]);

  const evening = Date.UTC(2026, 0, 1, 20, 59);
  const morning = Date.UTC(2026, 0, 2, 8);
  const quiet = run(`${ROUTE}\nquietHours: { from: "21:00", to: "08:00", timezone: UTC }`).see(paid(evening));
  quiet.see(outcome(actionsOf(quiet)[0]!, 'failed', evening + 5 * MINUTE));
  quiet.storeAndLoad();
  await quiet.passTo(morning - 1);
  assert.equal(actionsOf(quiet).length, 1);
  await quiet.passTo(morning);
  assert.deepEqual(waysOf(quiet).at(-1), [morning, 'sms', 2, 'webhook']);
});

test('a route of which no channel is allowed any more ends, and is counted with its reason', () => {
  const found = run(`id: a
when: { event: paid }
then: [{ send: { channel: email, template: hi, fallback: [sms] } }]`);
  found.see(paid(1), event(CONSENT_EVENT, 2, { channels: { sms: false } }, { type: 'consent' }));
  found.see(outcome(actionsOf(found)[0]!, 'failed', 3));
  assert.equal(actionsOf(found).length, 1);
  assert.equal(found.context.counters.by('route-ended', 'reason').get('consent'), 1);
});

/** What a route that is used up leaves: the message that failed, as it would be sent again, and why. */
const lettersOf = (found: EvaluateRun) =>
  found.context
    .valuesTo<Undelivered>('undelivered')
    .map(({ action, message }) => [action.id, action.channel, action.attempt, ...action.fallback, message]);

test('a route that is used up after a failure leaves one dead letter, of the message that failed last (F3)', () => {
  const rule = `id: a
when: { event: paid }
then: [{ send: { channel: email, template: hi, fallback: [sms] } }]`;
  const no = (at: number) => event(CONSENT_EVENT, at, { channels: { sms: false } }, { type: 'consent' });
  const refused = run(rule).see(paid(1), no(2));
  const [email] = actionsOf(refused);
  refused.see(outcome(email!, 'failed', 3), outcome(email!, 'failed', 4));
  assert.deepEqual(lettersOf(refused), [
    [email!.id, 'email', 1, 'email failed, and no further channel may take over: consent'],
  ]);
  // The last channel takes over, and is refused right before it goes.
  const late = run(rule).see(paid(1));
  late.see(outcome(actionsOf(late)[0]!, 'failed', 3));
  late.storeAndLoad();
  late.see(outcome(actionsOf(late)[1]!, 'skipped', 4, { reason: 'consent' }));
  assert.deepEqual(lettersOf(late), [
    [actionsOf(late)[0]!.id, 'email', 1, 'email failed, and no further channel may take over: consent'],
  ]);
  assert.deepEqual([refused.routes(), late.routes()], [[], []]);
});

test('a route that goes on, that ends on its last channel or without a failure leaves no dead letter here (F3)', () => {
  const delivered = run(ROUTE).see(paid(1));
  delivered.see(outcome(actionsOf(delivered)[0]!, 'failed', 2), outcome(actionsOf(delivered)[0]!, 'failed', 2));
  delivered.see(outcome(actionsOf(delivered)[1]!, 'delivered', 3));
  // The connector of the last channel makes it.
  const failed = run(ROUTE).see(paid(1));
  for (const at of [2, 3, 4]) failed.see(outcome(actionsOf(failed).at(-1)!, 'failed', at));
  assert.equal(actionsOf(failed).length, 3);
  const no = event(CONSENT_EVENT, 2, { all: false }, { type: 'consent' });
  const unwanted = run(ROUTE.replace('webhook', 'push')).see(paid(1), no);
  unwanted.see(outcome(actionsOf(unwanted)[0]!, 'skipped', 3, { reason: 'consent' }));
  assert.equal(unwanted.context.counters.by('route-ended', 'reason').get('consent'), 1);
  for (const found of [delivered, failed, unwanted]) assert.deepEqual([lettersOf(found), found.routes()], [[], []]);
});

test('a message that failed when it was no longer valid takes no further channel, and is a dead letter', async () => {
  const found = run(`${ROUTE}\nvalidFor: 1h`).see(paid(1));
  await found.passTo(HOUR + MINUTE);
  found.see(outcome(actionsOf(found)[0]!, 'failed', HOUR + 2));
  assert.equal(actionsOf(found).length, 1);
  assert.deepEqual(
    lettersOf(found).map(([, , , why]) => why),
    ['email failed, and no further channel may take over: expired'],
  );
});

test('what waits for an outcome is bounded in time and number', async () => {
  const found = run(ROUTE).see(...Array.from({ length: 70 }, (_, i) => paid(i)));
  assert.equal(found.routes().length, 64);
  assert.equal(found.context.counters.by('dropped', 'what').get('waiting'), 6);
  // Those beyond have their first channel only, and say so: the connector makes dead letters of them.
  assert.deepEqual(
    waysOf(found)
      .slice(63, 65)
      .map(([, , , ...fallback]) => fallback),
    [['sms', 'webhook'], []],
  );
  await found.passTo(8 * DAY);
  assert.deepEqual(found.routes(), []);
  found.see(outcome(actionsOf(found)[0]!, 'failed', 8 * DAY));
  assert.equal(actionsOf(found).length, 70);
});

test('what came of a message leaves no document of who has none, but for a dead address', () => {
  const found = run(ROUTE);
  const told = (what: string, at: number, address: string | null) =>
    event(`email_${what}`, at, { action: 'a', reason: null, address }, { type: DELIVERY_TYPE });
  found.see(told('delivered', 1, 'email:1'), told('failed', 2, 'email:1'), told('opened', 3, null));
  assert.equal(found.document('u1'), undefined);
  found.see(told('bounced', 4, 'email:1'));
  assert.notEqual(found.document('u1'), undefined);
});

test('an event of a source called like an outcome is no outcome', () => {
  const found = run(ROUTE).see(paid(1));
  const { id } = actionsOf(found)[0]!;
  found.see(event('email_failed', 2, { action: id }));
  assert.equal(actionsOf(found).length, 1);
  assert.equal(found.routes().length, 1);
});

test('an address that bounced is not written to again by this rule’s people, until it is another, or said to be good', () => {
  const found = run(
    `id: a
when: { event: paid }
then: [{ send: { channel: email, template: hi } }]`,
    {},
    { channels: channelTraits({ email: {} }) },
  );
  found.see(identify(1, { email: 'Ann@Example.com' }), paid(2));
  const address = addressId({ kind: 'email', value: 'ann@example.com' });
  found.see(outcome(actionsOf(found)[0]!, 'bounced', 3, { address }), paid(4));
  assert.deepEqual(found.lines, ['a@2', 'a@4 suppressed']);
  found.see(identify(5, { email: 'new@example.com' }), paid(6), identify(7, { email: 'ann@example.com' }), paid(8));
  assert.deepEqual(found.lines.slice(2), ['a@6', 'a@8 suppressed']);
  found.see(event(COMMAND_EVENT, 9, { kind: 'unsuppress', address, at: 9 }, { type: 'command' }), paid(10));
  assert.deepEqual(found.lines.slice(4), ['a@10']);
});

const AUTO = 'then: [{ send: { channel: auto, template: hi } }]';

test('auto goes by urgency, and takes in-app first and no push while somebody is there', () => {
  const rules = ['critical', 'operational', 'marketing']
    .map((urgency) => `{ id: ${urgency}, urgency: ${urgency}, when: { event: paid }, ${AUTO} }`)
    .join('\n---\n');
  const found = run(rules).see(paid(0));
  assert.deepEqual(waysOf(found), [
    [0, 'push', 1, 'sms', 'email'],
    [0, 'push', 1, 'email'],
    [0, 'inapp', 1, 'push', 'email'],
  ]);
  const there = run(rules).see(event('look', 1, {}, { context: { page: { path: '/' } } }), paid(2));
  assert.deepEqual(waysOf(there), [
    [2, 'push', 1, 'sms', 'email'],
    [2, 'email', 1],
    [2, 'inapp', 1, 'email'],
  ]);
  // Five minutes after the last sign of life, and not a moment earlier.
  const left = run(rules).see(event('look', 0, {}, { context: { app: { name: 'shop' } } }));
  left.see(paid(5 * MINUTE - 1), paid(5 * MINUTE));
  const marketing = waysOf(left).filter(([, channel]) => channel === 'inapp');
  assert.deepEqual(marketing, [
    [5 * MINUTE - 1, 'inapp', 1, 'email'],
    [5 * MINUTE, 'inapp', 1, 'push', 'email'],
  ]);
});

test('a preferred channel of the list comes first, but for what is critical', () => {
  const rules = `{ id: m, when: { event: paid }, ${AUTO} }\n---\n{ id: c, urgency: critical, when: { event: paid }, ${AUTO} }`;
  const found = run(rules).see(identify(0, { preferredChannel: 'email' }), paid(1));
  assert.deepEqual(waysOf(found), [
    [1, 'push', 1, 'sms', 'email'],
    [1, 'email', 1, 'inapp', 'push'],
  ]);
  const other = run(rules).see(identify(0, { preferredChannel: 'sms' }), paid(1));
  assert.deepEqual(waysOf(other).at(-1), [1, 'inapp', 1, 'push', 'email']);
});

test('a push message goes to the devices that events and commands told of, at most twenty, and to none that is gone', () => {
  const rules = `{ id: p, when: { event: paid }, then: [{ send: { channel: push, template: hi } }] }`;
  const found = run(rules, {}, { channels: channelTraits({ push: {} }) });
  found.see(paid(1));
  assert.deepEqual(found.lines, ['p@1 unreachable']);
  const app = { namespace: 'dev.shop' };
  const phone = (token: string, type = 'Android') => ({ device: { token, type }, app });
  found.see(paid(2, phone('t1')), event('x', 3, {}, { context: phone('t2', 'iOS') }), paid(4));
  const devices = (at: number) =>
    actionsOf(found)
      .find((action) => action.at === at)!
      .devices.map(({ type, token, app: name, subscription }) => [type, token ?? subscription!.endpoint, name]);
  assert.deepEqual(devices(2), [['android', 't1', 'dev.shop']]);
  assert.deepEqual(devices(4), [
    ['android', 't1', 'dev.shop'],
    ['ios', 't2', 'dev.shop'],
  ]);
  const subscription = { endpoint: 'https://push.test/1', p256dh: 'k', auth: 'a' };
  const web = { id: 'w', type: 'web', token: null, app: null, subscription };
  const { id } = actionsOf(found)[0]!.devices[0]!;
  const command = (at: number, op: string, device: JsonObject) =>
    event(COMMAND_EVENT, at, { kind: 'device', op, device, at }, { type: 'command' });
  found.see(command(5, 'set', web), command(6, 'remove', { id }), paid(8));
  assert.deepEqual(devices(8), [
    ['ios', 't2', 'dev.shop'],
    ['web', 'https://push.test/1', null],
  ]);
  found.see(...Array.from({ length: 25 }, (_, i) => paid(10 + i, phone(`n${i}`))), paid(50));
  assert.equal(devices(50).length, 20);
  assert.deepEqual(devices(50).at(-1), ['android', 'n24', 'dev.shop']);
  found.storeAndLoad();
  found.see(paid(51));
  assert.deepEqual(devices(51), devices(50));
});

test('what is about a time too long ago is stale, by urgency or the rule’s own word; its messages are good for as long', () => {
  const validForMs = { critical: Number.POSITIVE_INFINITY, operational: 4 * HOUR, marketing: DAY };
  const rules = ['critical', 'operational', 'marketing']
    .map(
      (urgency) =>
        `{ id: ${urgency}, urgency: ${urgency}, when: { event: paid }, then: [{ send: { channel: webhook } }] }`,
    )
    .concat('{ id: own, validFor: 1h, when: { event: paid }, then: [{ send: { channel: webhook } }] }')
    .join('\n---\n');
  const { ruleSet } = check(rules, { context: { validForMs } });
  const found = new EvaluateRun(() => ruleSet, { hasWallTime: true });
  const now = 30 * DAY;
  found.context.wall = now;
  found.see(paid(now - DAY - 1), paid(now - 4 * HOUR), paid(now - HOUR));
  const of = (at: number) =>
    found.lines.filter((line) => line.includes(`@${at}`)).map((line) => line.replace(`@${at}`, ''));
  assert.deepEqual(of(now - DAY - 1), ['critical', 'operational stale', 'marketing stale', 'own stale']);
  assert.deepEqual(of(now - 4 * HOUR), ['critical', 'operational', 'marketing', 'own stale']);
  assert.deepEqual(of(now - HOUR), ['critical', 'operational', 'marketing', 'own']);
  assert.deepEqual(
    actionsOf(found)
      .filter(({ at }) => at === now - HOUR)
      .map(({ validUntil }) => validUntil && validUntil - now),
    [null, 3 * HOUR, 23 * HOUR, 0],
  );
  // Without a wall clock nothing is.
  assert.deepEqual(new EvaluateRun(() => ruleSet).see(paid(0)).lines, [
    'critical@0',
    'operational@0',
    'marketing@0',
    'own@0',
  ]);
});
