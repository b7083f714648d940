import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { fcmError } from '../../../../testing/providers/fcm.ts';
import type { PushAnswer } from '../../../../testing/providers/push-server.ts';
import { android, ios, NO_ABORT, pushAction, startPush } from './kit.ts';

async function resultOf(t: TestContext, answer: PushAnswer): Promise<SendResult> {
  const { sender } = await startPush(t, { fcm: { answer: () => answer } });
  return sender.send(pushAction([android('t1')]), 1, NO_ABORT);
}

const deviceOutcome = (result: SendResult) => ('devices' in result ? result.devices![0]!.outcome : result.outcome);

test('a message for Android has what FCM v1 asks for, its urgency and how long it is good', async (t) => {
  const { sender, clock, fcm } = await startPush(t);
  const validUntil = clock.now() + 90_000;
  await sender.send(pushAction([android('t1')], { urgency: 'critical', validUntil }), 1, NO_ABORT);
  assert.deepEqual(fcm.messages, [
    {
      token: 't1',
      notification: { title: 'Hello Ada', body: 'Your cart waits.', image: 'https://shop.test/c.png' },
      data: { action: 'a1', rule: 'cart-abandonment', url: 'https://shop.test/cart' },
      android: { priority: 'HIGH', ttl: '90s', notification: { tag: 'a1' } },
    },
  ]);
});

test('without APNs, Apple’s devices are reached through FCM, with Apple’s headers', async (t) => {
  const { sender, fcm } = await startPush(t, { options: { apns: undefined as never } });
  await sender.send(pushAction([ios('t1')], { data: { collapseKey: 'cart' } }), 1, NO_ABORT);
  const { headers } = fcm.messages[0]!.apns as { headers: unknown };
  assert.deepEqual(headers, { 'apns-priority': '5', 'apns-collapse-id': 'cart' });
});

test('one access token serves many messages, asked of the account’s own token_uri', async (t) => {
  const { sender, fcm } = await startPush(t);
  await Promise.all([1, 2, 3, 4].map((n) => sender.send(pushAction([android(`t${n}`)], { id: `a${n}` }), 1, NO_ABORT)));
  assert.equal(fcm.messages.length, 4);
  assert.equal(fcm.tokens.length, 1);
});

test('a token that was revoked before its time is replaced once, within the attempt', async (t) => {
  const { sender, fcm } = await startPush(t);
  await sender.send(pushAction([android('t1')]), 1, NO_ABORT);
  fcm.revokeTokens();
  const result = await sender.send(pushAction([android('t1')], { id: 'a2' }), 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  assert.equal(fcm.tokens.length, 2);
});

test('UNREGISTERED forgets the device', async (t) => {
  assert.equal(deviceOutcome(await resultOf(t, fcmError(404, 'NOT_FOUND', 'UNREGISTERED'))), 'gone');
});

test('INVALID_ARGUMENT forgets the device only when its details are about the token (F1)', async (t) => {
  const violation = (field: string): PushAnswer => ({
    status: 400,
    body: {
      error: {
        code: 400,
        message: 'Request contains an invalid argument.',
        status: 'INVALID_ARGUMENT',
        details: [
          { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'INVALID_ARGUMENT' },
          { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: 'x' }] },
        ],
      },
    },
  });
  const words = 'The registration token is not a valid FCM registration token';
  assert.equal(deviceOutcome(await resultOf(t, violation('message.token'))), 'gone');
  assert.equal(deviceOutcome(await resultOf(t, fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', words))), 'gone');
  assert.equal(deviceOutcome(await resultOf(t, violation('message.data[0].value'))), 'failed');
  assert.equal(deviceOutcome(await resultOf(t, fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'))), 'failed');
  assert.equal(deviceOutcome(await resultOf(t, { status: 400 })), 'failed');
});

test('401 and 403 stop the channel (F2)', async (t) => {
  for (const answer of [
    fcmError(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
    fcmError(401, 'UNAUTHENTICATED', null),
    fcmError(403, 'PERMISSION_DENIED', null),
    fcmError(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
  ]) {
    const result = await resultOf(t, answer);
    assert.equal(result.outcome, 'failed');
    assert.equal((result as { disable?: boolean }).disable, true, JSON.stringify(answer));
  }
});

test('a token of another project does not stop the channel that has delivered to its own (F2)', async (t) => {
  const mismatch = fcmError(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH');
  const { sender } = await startPush(t, {
    fcm: { answer: ({ token }) => (token === 'foreign' ? mismatch : { status: 200 }) },
  });
  await sender.send(pushAction([android('own')]), 1, NO_ABORT);
  const result = await sender.send(pushAction([android('foreign')], { id: 'a2' }), 1, NO_ABORT);
  assert.equal(result.outcome, 'failed');
  assert.equal((result as { disable?: boolean }).disable, undefined);
});

test('a quota that is used up is asked again after a minute, an outage when FCM says', async (t) => {
  const quota = await resultOf(t, fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'));
  assert.deepEqual(quota, { outcome: 'retry', reason: 'FCM: HTTP 429 QUOTA_EXCEEDED', retryAfterMs: 60_000 });
  const outage = await resultOf(t, { status: 503, headers: { 'retry-after': '7' }, body: {} });
  assert.deepEqual(outage, { outcome: 'retry', reason: 'FCM: HTTP 503', retryAfterMs: 7_000 });
});

test('a service account that Google refuses stops the channel; a token endpoint that is down does not', async (t) => {
  const refused = await startPush(t, {
    fcm: { answerToken: () => ({ status: 400, body: { error: 'invalid_grant' } }) },
  });
  const result = await refused.sender.send(pushAction([android('t1')]), 1, NO_ABORT);
  assert.equal(result.outcome, 'failed');
  assert.equal((result as { disable?: boolean }).disable, true);
  assert.match((result as { reason: string }).reason, /HTTP 400 invalid_grant$/);
  const down = await startPush(t, { fcm: { answerToken: () => ({ status: 502 }) } });
  assert.equal((await down.sender.send(pushAction([android('t1')]), 1, NO_ABORT)).outcome, 'retry');
});

test('an answer that is no JSON, or far too long, is a result', async (t) => {
  assert.equal((await resultOf(t, { status: 200, body: 'x'.repeat(200_000) })).outcome, 'delivered');
  assert.equal(deviceOutcome(await resultOf(t, { status: 404, body: '<html>' })), 'failed');
  assert.equal(
    deviceOutcome(await resultOf(t, { status: 302, headers: { location: 'http://127.0.0.1:1/' } })),
    'failed',
  );
});
