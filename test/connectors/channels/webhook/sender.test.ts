import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { parseTemplate } from '../../../../connectors/channels/templates/template-file.ts';
import { Templates } from '../../../../connectors/channels/templates/templates.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openWebhook } from '../kit.ts';
import { startReceiver } from './receiver.ts';

const NO_ABORT = new AbortController().signal;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ACTION = makeAction({ id: 'act1', decision: 'dec1', data: { coupon: 'SAVE10' } });

type SenderOptions = Parameters<typeof openWebhook>[0];

function senderFor(t: TestContext, options: SenderOptions, clock = new FakeClock()) {
  const sender = openWebhook({ allowPrivate: true, ...options }, { clock });
  t.after(() => sender.close());
  return sender;
}

/** What a server that answers like this makes of an action. */
async function resultOf(t: TestContext, answer: (response: ServerResponse) => void): Promise<SendResult> {
  const { url } = await startReceiver(t, answer);
  return senderFor(t, { url }).send(ACTION, 1, NO_ABORT);
}

test('the body has type, timestamp and data, with the rule’s data and ours inside', async (t) => {
  const { url, received } = await startReceiver(t);
  assert.deepEqual(await senderFor(t, { url }).send(ACTION, 1, NO_ABORT), { outcome: 'delivered', providerId: null });
  assert.equal(received[0]!.method, 'POST');
  assert.equal(received[0]!.path, '/hook');
  assert.equal(received[0]!.headers['content-type'], 'application/json');
  assert.equal(received[0]!.headers['user-agent'], 'tripline');
  assert.deepEqual(JSON.parse(received[0]!.body), {
    type: 'cart-abandonment',
    timestamp: '2026-01-01T09:00:00.000Z',
    data: {
      coupon: 'SAVE10',
      tripline: {
        decision: 'dec1',
        action: 'act1',
        rule: 'cart-abandonment',
        ruleVersion: 'abcdef012345',
        entity: { type: 'user', id: 'u1' },
        at: '2026-01-01T09:00:00.000Z',
        step: 0,
      },
    },
  });
});

test('what a rule calls `tripline` does not take the place of ours', async (t) => {
  const { url, received } = await startReceiver(t);
  await senderFor(t, { url }).send({ ...ACTION, data: { tripline: 'theirs', coupon: 'SAVE10' } }, 1, NO_ABORT);
  const { data } = JSON.parse(received[0]!.body);
  assert.deepEqual([data.coupon, data.tripline.action], ['SAVE10', 'act1']);
});

test('a traceparent that is known goes along, and there is none otherwise', async (t) => {
  const { url, received } = await startReceiver(t);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const sender = senderFor(t, { url });
  await sender.send(ACTION, 1, NO_ABORT, traceparent);
  await sender.send(ACTION, 1, NO_ABORT);
  assert.deepEqual(
    received.map(({ headers }) => headers['traceparent']),
    [traceparent, undefined],
  );
});

test('the signature is that of Standard Webhooks, worked out here by its text', async (t) => {
  const clock = new FakeClock(1_767_225_600_999);
  const { url, received } = await startReceiver(t);
  await senderFor(t, { url, secret: SECRET }, clock).send(ACTION, 1, NO_ABORT);
  const { headers, body } = received[0]!;
  assert.equal(headers['webhook-id'], 'act1');
  assert.equal(headers['webhook-timestamp'], '1767225600');
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const expected = createHmac('sha256', key).update(`act1.1767225600.${body}`).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
});

test('a secret without whsec_ is a key by its bytes, and without a secret there is no signature', async (t) => {
  const { url, received } = await startReceiver(t);
  await senderFor(t, { url, secret: 'top secret' }).send(ACTION, 1, NO_ABORT);
  await senderFor(t, { url }).send(ACTION, 1, NO_ABORT);
  const { headers, body } = received[0]!;
  const signed = `act1.${headers['webhook-timestamp']}.${body}`;
  assert.equal(
    headers['webhook-signature'],
    `v1,${createHmac('sha256', 'top secret').update(signed).digest('base64')}`,
  );
  assert.equal(received[1]!.headers['webhook-signature'], undefined);
});

test('two secrets give two signatures, so that a receiver can change over', async (t) => {
  const { url, received } = await startReceiver(t);
  await senderFor(t, { url, secret: `${SECRET} whsec_bmV3` }).send(ACTION, 1, NO_ABORT);
  const { headers, body } = received[0]!;
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const keys = ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'bmV3'].map((key) => Buffer.from(key, 'base64'));
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(text).digest('base64')}`);
  assert.equal(headers['webhook-signature'], signatures.join(' '));
});

test('every attempt has the same id, and the time of its own (W1)', async (t) => {
  const clock = new FakeClock();
  const { url, received } = await startReceiver(t);
  const sender = senderFor(t, { url, secret: SECRET }, clock);
  await sender.send(ACTION, 1, NO_ABORT);
  await clock.advance(5_000);
  await sender.send(ACTION, 2, NO_ABORT);
  const [first, second] = received.map(({ headers }) => headers);
  assert.equal(first!['webhook-id'], second!['webhook-id']);
  assert.equal(Number(second!['webhook-timestamp']) - Number(first!['webhook-timestamp']), 5);
  assert.notEqual(first!['webhook-signature'], second!['webhook-signature']);
});

for (const status of [200, 201, 204, 299]) {
  test(`HTTP ${status} is delivered (W2)`, async (t) => {
    const result = await resultOf(t, (response) => response.writeHead(status).end());
    assert.deepEqual(result, { outcome: 'delivered', providerId: null });
  });
}

for (const status of [300, 304, 400, 401, 404, 408, 425, 429, 500, 502, 503]) {
  test(`HTTP ${status} is tried again (W2)`, async (t) => {
    const result = await resultOf(t, (response) => response.writeHead(status).end());
    assert.deepEqual(result, { outcome: 'retry', reason: `HTTP ${status}` });
  });
}

test('HTTP 410 is final and disables the channel (W2)', async (t) => {
  const result = await resultOf(t, (response) => response.writeHead(410).end());
  assert.deepEqual(result, { outcome: 'failed', reason: 'HTTP 410', disable: true });
});

test('a redirect is not followed', async (t) => {
  const target = await startReceiver(t);
  const result = await resultOf(t, (response) => response.writeHead(302, { location: target.url }).end());
  assert.deepEqual(result, { outcome: 'retry', reason: 'HTTP 302' });
  assert.deepEqual(target.received, []);
});

test('Retry-After is handed on, as seconds or as a date', async (t) => {
  const seconds = await resultOf(t, (response) => response.writeHead(429, { 'retry-after': '7' }).end());
  assert.deepEqual(seconds, { outcome: 'retry', reason: 'HTTP 429', retryAfterMs: 7_000 });
  const date = 'Thu, 01 Jan 2026 00:00:30 GMT';
  const dated = await resultOf(t, (response) => response.writeHead(503, { 'retry-after': date }).end());
  assert.deepEqual(dated, { outcome: 'retry', reason: 'HTTP 503', retryAfterMs: 30_000 });
});

test('an endpoint that says nothing for 15 s is tried again (W4)', async (t) => {
  const clock = new FakeClock();
  let asked = (): void => {};
  const request = new Promise<void>((resolve) => (asked = resolve));
  const { url } = await startReceiver(t, () => asked());
  const sending = senderFor(t, { url }, clock).send(ACTION, 1, NO_ABORT);
  await request;
  await clock.advance(15_000);
  assert.deepEqual(await sending, { outcome: 'retry', reason: 'no answer within 15 s' });
  assert.equal(clock.sleeping, 0);
});

test('an answer that never ends is given up as well (W4)', async (t) => {
  const clock = new FakeClock();
  let begun = (): void => {};
  const answer = new Promise<void>((resolve) => (begun = resolve));
  const { url } = await startReceiver(t, (response) => {
    response.writeHead(200).write('{', () => begun());
  });
  const sending = senderFor(t, { url }, clock).send(ACTION, 1, NO_ABORT);
  await answer;
  await clock.advance(15_000);
  assert.deepEqual(await sending, { outcome: 'retry', reason: 'no answer within 15 s' });
  assert.equal(clock.sleeping, 0);
});

test('of a huge answer only the beginning is read, and the message counts as delivered (W4)', async (t) => {
  let written = 0;
  const { url } = await startReceiver(t, (response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (!response.destroyed && written < 1e9) {
        written += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
    };
    more();
  });
  assert.equal((await senderFor(t, { url }).send(ACTION, 1, NO_ABORT)).outcome, 'delivered');
  assert.ok(written < 50e6, `${written} bytes were sent`);
});

test('an endpoint that cannot be reached, or hangs up, is tried again', async (t) => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const sender = senderFor(t, { url: `http://127.0.0.1:${port}/` });
  assert.equal((await sender.send(ACTION, 1, NO_ABORT)).outcome, 'retry');
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await sender.send(ACTION, 2, NO_ABORT), { outcome: 'retry', reason: 'no connection: ECONNREFUSED' });
});

test('closing the task ends an open exchange', async (t) => {
  const controller = new AbortController();
  const { url } = await startReceiver(t, () => controller.abort());
  assert.equal((await senderFor(t, { url }).send(ACTION, 1, controller.signal)).outcome, 'retry');
});

test('a sender may be closed twice, and then sends no more', async (t) => {
  const { url, received } = await startReceiver(t);
  const sender = senderFor(t, { url });
  await sender.close();
  await sender.close();
  assert.equal((await sender.send(ACTION, 1, NO_ABORT)).outcome, 'retry');
  assert.deepEqual(received, []);
});

test('a template gives the data as JSON; one that does not is final (TRG_TEMPLATE_FAILED)', async (t) => {
  const { url, received } = await startReceiver(t);
  const templates = new Templates(
    new Map([
      ['good/webhook', parseTemplate('good', '{"code": {{ data.coupon | json }}}', [])!],
      ['bad/webhook', parseTemplate('bad', '{"code": {{ data.coupon }}}', [])!],
      ['list/webhook', parseTemplate('list', '[1]', [])!],
    ]),
  );
  const sender = openWebhook({ url, allowPrivate: true }, { clock: new FakeClock(), templates });
  t.after(() => sender.close());
  const results: SendResult[] = [];
  for (const template of ['good', 'bad', 'list', 'none']) {
    results.push(await sender.send({ ...ACTION, template }, 1, NO_ABORT));
  }
  assert.equal(JSON.parse(received[0]!.body).data.code, 'SAVE10');
  assert.equal(received.length, 1);
  const failed = { outcome: 'failed', code: 'TRG_TEMPLATE_FAILED' };
  assert.deepEqual(results, [
    { outcome: 'delivered', providerId: null },
    { ...failed, reason: 'template bad/webhook.liquid does not give JSON' },
    { ...failed, reason: 'template list/webhook.liquid does not give a JSON object' },
    { ...failed, reason: 'there is no template none/webhook.liquid' },
  ]);
});
