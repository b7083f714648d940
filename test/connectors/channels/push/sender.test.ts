import assert from 'node:assert/strict';
import test from 'node:test';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { refusal } from '../../../../testing/providers/apns.ts';
import { fcmError } from '../../../../testing/providers/fcm.ts';
import { android, browser, ios, NO_ABORT, pushAction, startPush } from './kit.ts';

const devicesOf = (result: SendResult) =>
  Object.fromEntries(
    ('devices' in result ? result.devices! : []).map(({ device, outcome }): [string, string] => [device, outcome]),
  );

test('one action goes to every device of the person, by its service, and the result says what each came to', async (t) => {
  const { sender, fcm, apns, web } = await startPush(t);
  const action = pushAction([android('a1'), ios('i1'), browser(web, 'b1')]);
  const result = await sender.send(action, 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  assert.deepEqual(devicesOf(result), { a1: 'delivered', i1: 'delivered', b1: 'delivered' });
  assert.deepEqual(
    [
      fcm.messages.map(({ token }) => token),
      apns.messages.map(({ token }) => token),
      web.messages.map((m) => m.browser),
    ],
    [['a1'], ['i1'], ['b1']],
  );
});

test('it is delivered when one device took it, and those that are gone are named (P1)', async (t) => {
  const { sender } = await startPush(t, { fcm: { answer: () => fcmError(404, 'NOT_FOUND', 'UNREGISTERED') } });
  const result = await sender.send(pushAction([android('old'), ios('new')]), 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  assert.deepEqual(devicesOf(result), { old: 'gone', new: 'delivered' });
});

test('a person all of whose devices are gone has no address any more', async (t) => {
  const { sender, web } = await startPush(t, {
    fcm: { answer: () => fcmError(404, 'NOT_FOUND', 'UNREGISTERED') },
    apns: { answer: () => refusal(410, 'Unregistered', { timestamp: 1_700_000_000_000 }) },
    web: { answer: () => ({ status: 410 }) },
  });
  const result = await sender.send(pushAction([android('a1'), ios('i1'), browser(web, 'b1')]), 1, NO_ABORT);
  assert.equal(result.outcome, 'failed');
  assert.match((result as { reason: string }).reason, /no-address/);
  assert.equal((result as { disable?: boolean }).disable, undefined);
  assert.deepEqual(devicesOf(result), { a1: 'gone', i1: 'gone', b1: 'gone' });
});

test('a person without a device is skipped for having no address', async (t) => {
  const { sender, fcm } = await startPush(t);
  assert.deepEqual(await sender.send(pushAction([]), 1, NO_ABORT), { outcome: 'skipped', reason: 'no-address' });
  assert.equal(fcm.messages.length, 0);
});

test('a retry asks only for the devices whose service could not take it (P2)', async (t) => {
  let isUp = false;
  const { sender, fcm, apns } = await startPush(t, {
    apns: { answer: () => (isUp ? { status: 200 } : refusal(503, 'ServiceUnavailable')) },
  });
  const action = pushAction([android('a1'), ios('i1')]);
  assert.equal((await sender.send(action, 1, NO_ABORT)).outcome, 'retry');
  isUp = true;
  const result = await sender.send(action, 2, NO_ABORT);
  assert.deepEqual(devicesOf(result), { a1: 'delivered', i1: 'delivered' });
  assert.equal(fcm.messages.length, 1);
  assert.equal(apns.messages.length, 2);
  assert.equal(new Set(apns.messages.map(({ headers }) => headers['apns-id'])).size, 1);
});

test('who has the message on one device does not wait for the others for long (P3)', async (t) => {
  const { sender, apns } = await startPush(t, {
    apns: { answer: () => ({ status: 503, headers: { 'retry-after': '3600' } }) },
  });
  const action = pushAction([android('a1'), ios('i1')]);
  const first = await sender.send(action, 1, NO_ABORT);
  assert.deepEqual(first, { outcome: 'retry', reason: 'APNs: HTTP 503' });
  const second = await sender.send(action, 2, NO_ABORT);
  assert.equal(second.outcome, 'delivered');
  assert.deepEqual(devicesOf(second), { a1: 'delivered', i1: 'failed' });
  assert.equal(apns.messages.length, 2);
});

test('while no device has it, it is tried again when the last of the services asks for it', async (t) => {
  const { sender, web } = await startPush(t, {
    apns: { answer: () => ({ status: 503, headers: { 'retry-after': '30' } }) },
    web: { answer: () => ({ status: 429, headers: { 'retry-after': '90' } }) },
  });
  const result = await sender.send(pushAction([ios('i1'), browser(web, 'b1')]), 7, NO_ABORT);
  assert.equal(result.outcome, 'retry');
  assert.equal((result as { retryAfterMs?: number }).retryAfterMs, 90_000);
});

test('a device of a service that is not configured fails, and stops nothing', async (t) => {
  const { sender, web } = await startPush(t, { options: { web: undefined as never } });
  const result = await sender.send(pushAction([android('a1'), browser(web, 'b1')]), 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  assert.deepEqual(devicesOf(result), { a1: 'delivered', b1: 'failed' });
});

test('the title is that of the template, else of the data, else the rule’s description, else the application', async (t) => {
  const { sender, fcm } = await startPush(t, {
    ruleDescription: (rule) => (rule === 'described' ? 'Someone left a cart' : null),
  });
  const bare = { template: 'bare' } as const;
  await sender.send(pushAction([android('1')]), 1, NO_ABORT);
  await sender.send(
    pushAction([android('2')], { ...bare, data: { title: 'Sale', url: 'https://shop.test/s' } }),
    1,
    NO_ABORT,
  );
  await sender.send(pushAction([android('3')], { ...bare, rule: 'described' }), 1, NO_ABORT);
  await sender.send(pushAction([android('4')], bare), 1, NO_ABORT);
  const titles = fcm.messages.map(({ notification }) => notification!['title']);
  assert.deepEqual(titles, ['Hello Ada', 'Sale', 'Someone left a cart', 'shop']);
  const urls = fcm.messages.map(({ data }) => data!['url']);
  assert.deepEqual(urls, ['https://shop.test/cart', 'https://shop.test/s', undefined, undefined]);
});

test('a payload beyond 4,096 bytes has its text cut at a whole character; a title that does not fit fails (C1)', async (t) => {
  const { sender, fcm, apns, web } = await startPush(t);
  const devices = [android('a1'), ios('i1'), browser(web, 'b1')];
  const text = '🛒'.repeat(3_000);
  const result = await sender.send(pushAction(devices, { template: 'long', data: { text } }), 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  const alert = (apns.messages[0]!.payload['aps'] as { alert: { body: string } }).alert;
  const bodies = [
    fcm.messages[0]!.notification!['body']!,
    alert.body,
    JSON.parse(web.messages[0]!.text).notification.body,
  ];
  for (const body of bodies) {
    assert.match(body, /^(🛒){800,}…$/u);
    assert.ok(body.length < text.length);
  }
  const { notification, data } = fcm.messages[0]!;
  assert.ok(Buffer.byteLength(JSON.stringify({ notification, data })) <= 4_096);
  assert.ok(Buffer.byteLength(JSON.stringify(apns.messages[0]!.payload)) <= 4_096);
  assert.ok(web.messages[0]!.bytes <= 4_096);

  const tooLong = pushAction(devices, { template: 'bare', data: { title: 't'.repeat(5_000) } });
  const failed = await sender.send(tooLong, 1, NO_ABORT);
  assert.equal(failed.outcome, 'failed');
  assert.match((failed as { reason: string }).reason, /4096 bytes|3993 bytes/);
});
