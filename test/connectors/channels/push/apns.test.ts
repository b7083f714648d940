import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { openChannel } from '../../../../connectors/channels/channel.ts';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { push } from '../../../../connectors/channels/push/channel.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { certificateAuthority } from '../../../../testing/kafka/certificates.ts';
import { refusal, startApns } from '../../../../testing/providers/apns.ts';
import type { PushAnswer } from '../../../../testing/providers/push-server.ts';
import { until } from '../../../../testing/until.ts';
import { attempting, DEPENDENCIES } from '../kit.ts';
import { apnsOptions, ios, NO_ABORT, pushAction, startPush, TEMPLATES } from './kit.ts';

const MINUTE_MS = 60_000;
const deviceOf = (result: SendResult) => ('devices' in result ? result.devices![0]! : null);

test('a message has Apple’s headers and payload, its urgency and until when it is good', async (t) => {
  const { sender, clock, apns } = await startPush(t);
  const validUntil = clock.now() + 90_500;
  await sender.send(pushAction([ios('0a1b')], { urgency: 'critical', validUntil }), 1, NO_ABORT);
  const { token, headers, payload } = apns.messages[0]!;
  assert.equal(token, '0a1b');
  assert.match(headers['apns-id']!, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const { 'apns-topic': topic, 'apns-push-type': type, 'apns-priority': priority, 'apns-collapse-id': key } = headers;
  assert.deepEqual([topic, type, priority, key], ['test.shop', 'alert', '10', 'a1']);
  assert.equal(headers['apns-expiration'], String(Math.floor(clock.now() / 1_000) + 90));
  assert.deepEqual(payload, {
    aps: {
      alert: { title: 'Hello Ada', body: 'Your cart waits.' },
      sound: 'default',
      'interruption-level': 'time-sensitive',
      'mutable-content': 1,
    },
    action: 'a1',
    rule: 'cart-abandonment',
    url: 'https://shop.test/cart',
    image: 'https://shop.test/c.png',
  });
});

test('a device that Apple says is gone is gone, with the time since when (A1)', async (t) => {
  const { sender } = await startPush(t, { apns: { answer: () => refusal(410, 'Unregistered', { timestamp: 1_700 }) } });
  const device = deviceOf(await sender.send(pushAction([ios('t1')]), 1, NO_ABORT));
  assert.deepEqual(device, { device: 't1', outcome: 'gone', reason: 'APNs: HTTP 410 Unregistered', goneAt: 1_700 });
});

test('a bad token is one device’s matter; ten in a row are the wrong environment, and stop the channel (A2)', async (t) => {
  const { sender } = await startPush(t, { apns: { answer: () => refusal(400, 'BadDeviceToken') } });
  const send = (n: number) => sender.send(pushAction([ios(`t${n}`)], { id: `a${n}` }), 1, NO_ABORT);
  for (let n = 0; n < 9; n++) {
    const result = await send(n);
    assert.equal(deviceOf(result)!.outcome, 'failed');
    assert.equal((result as { disable?: boolean }).disable, undefined);
  }
  // The same token again says nothing new.
  assert.equal(((await send(3)) as { disable?: boolean }).disable, undefined);
  const tenth = (await send(9)) as { disable?: boolean; reason: string };
  assert.equal(tenth.disable, true);
  assert.match(tenth.reason, /environment/);
});

test('bad tokens between good ones never stop the channel (A2)', async (t) => {
  const { sender } = await startPush(t, {
    apns: { answer: ({ token }) => (token.startsWith('bad') ? refusal(400, 'BadDeviceToken') : { status: 200 }) },
  });
  for (let n = 0; n < 30; n++) {
    const token = n % 9 === 8 ? `good${n}` : `bad${n}`;
    const result = await sender.send(pushAction([ios(token)], { id: `a${n}` }), 1, NO_ABORT);
    assert.equal((result as { disable?: boolean }).disable, undefined);
  }
});

test('what is wrong with our key or topic stops the channel, what is wrong with a message does not', async (t) => {
  const outcomes = async (answer: PushAnswer) => {
    const { sender } = await startPush(t, { apns: { answer: () => answer } });
    const result = await sender.send(pushAction([ios('t1')]), 1, NO_ABORT);
    return `${result.outcome}${(result as { disable?: boolean }).disable === true ? ' disable' : ''}`;
  };
  assert.equal(await outcomes(refusal(403, 'InvalidProviderToken')), 'failed disable');
  assert.equal(await outcomes(refusal(403, 'Forbidden')), 'failed disable');
  assert.equal(await outcomes(refusal(400, 'TopicDisallowed')), 'failed disable');
  assert.equal(await outcomes(refusal(400, 'DeviceTokenNotForTopic')), 'failed');
  assert.equal(await outcomes(refusal(413, 'PayloadTooLarge')), 'failed');
  assert.equal(await outcomes(refusal(429, 'TooManyRequests')), 'retry');
  assert.equal(await outcomes({ status: 500, body: '<html>' }), 'retry');
});

test('a provider token serves for 40 minutes, then there is another', async (t) => {
  const { sender, clock, apns } = await startPush(t);
  const send = (id: string) => sender.send(pushAction([ios('t1')], { id }), 1, NO_ABORT);
  for (let minute = 0; minute < 120; minute += 5) {
    assert.equal((await send(`a${minute}`)).outcome, 'delivered');
    await clock.advance(5 * MINUTE_MS);
  }
  assert.equal(apns.providerTokens.length, 3);
});

test('a token that Apple takes for expired is renewed at most every 20 minutes (T1)', async (t) => {
  let expired = new Set<string>();
  const { sender, clock, apns } = await startPush(t, {
    apns: {
      answer: ({ headers }) =>
        expired.has(headers['authorization']!) ? refusal(403, 'ExpiredProviderToken') : { status: 200 },
    },
  });
  const send = (id: string) => sender.send(pushAction([ios('t1')], { id }), 1, NO_ABORT);
  await send('a1');
  expired = new Set(apns.messages.map(({ headers }) => headers['authorization']!));
  await clock.advance(10 * MINUTE_MS);
  assert.equal((await send('a2')).outcome, 'retry');
  assert.equal(apns.providerTokens.length, 1);
  await clock.advance(10 * MINUTE_MS);
  assert.equal((await send('a3')).outcome, 'delivered');
  assert.equal(apns.providerTokens.length, 2);
});

test('channels of one process share their provider token, also after the one that made it has closed', async (t) => {
  const apns = await startApns();
  t.after(() => apns.close());
  const clock = new FakeClock();
  const open = () => {
    const opened = openChannel(push, { apns: apnsOptions(apns) }, { ...DEPENDENCIES, clock, templates: TEMPLATES });
    const sender = attempting(opened);
    t.after(() => sender.close());
    return sender;
  };
  const [first, second] = [open(), open()];
  const results = await Promise.all([
    second.send(pushAction([ios('t1')]), 1, NO_ABORT),
    first.send(pushAction([ios('t2')]), 1, NO_ABORT),
  ]);
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['delivered', 'delivered'],
  );
  assert.equal(apns.providerTokens.length, 1);
  await first.close();
  await clock.advance(41 * MINUTE_MS);
  assert.equal((await second.send(pushAction([ios('t1')], { id: 'a2' }), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(apns.providerTokens.length, 2);
});

test('threads of one process share their provider token', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const threads = [1, 2, 3].map(() => {
    const entry = new URL('./apns-thread.ts', import.meta.url);
    return new Worker(entry, { workerData: { key } });
  });
  const tokens = await Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('message', resolve))));
  await Promise.all(threads.map((thread) => thread.terminate()));
  assert.match(String(tokens[0]), /^eyJ/);
  assert.equal(new Set(tokens).size, 1);
});

test('a GOAWAY loses nothing and doubles nothing: what was not processed is sent on another connection (C1)', async (t) => {
  const open = Promise.withResolvers<void>();
  let isHeld = true;
  const { sender, apns } = await startPush(t, {
    apns: {
      answer: async () => {
        if (isHeld) await open.promise;
        return { status: 200 };
      },
    },
  });
  const sends = Array.from({ length: 20 }, (_, n) =>
    sender.send(pushAction([ios(`t${n}`)], { id: `a${n}` }), 1, NO_ABORT),
  );
  await until(() => apns.messages.length === 20);
  isHeld = false;
  apns.goAway({ refuse: true });
  const results = await Promise.all(sends);
  assert.ok(
    results.every(({ outcome }) => outcome === 'delivered'),
    JSON.stringify(results),
  );
  open.resolve();
  assert.equal(apns.connections, 2);
  assert.equal(apns.messages.length, 40);
});

test('what Apple processes after a GOAWAY is waited for, and new messages take a new connection (C1)', async (t) => {
  const open = Promise.withResolvers<void>();
  const { sender, apns } = await startPush(t, {
    apns: {
      answer: async ({ token }) => {
        if (token === 'slow') await open.promise;
        return { status: 200 };
      },
    },
  });
  const slow = sender.send(pushAction([ios('slow')]), 1, NO_ABORT);
  await until(() => apns.messages.length === 1);
  apns.goAway();
  const others = await Promise.all(
    [1, 2, 3].map((n) => sender.send(pushAction([ios(`t${n}`)], { id: `b${n}` }), 1, NO_ABORT)),
  );
  open.resolve();
  assert.deepEqual(
    [...others, await slow].map(({ outcome }) => outcome),
    Array(4).fill('delivered'),
  );
  assert.equal(apns.messages.length, 4);
});

test('a connection that is dead is not used again (C3)', async (t) => {
  const { sender, clock, apns } = await startPush(t, {
    apns: { answer: ({ token }) => (token === 'hangs' ? 'hang' : { status: 200 }) },
  });
  const hanging = sender.send(pushAction([ios('hangs')]), 1, NO_ABORT);
  await until(() => apns.messages.length === 1);
  await clock.advance(MINUTE_MS);
  assert.equal((await hanging).outcome, 'retry');
  assert.equal((await sender.send(pushAction([ios('t1')], { id: 'a2' }), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(apns.connections, 2);
});

test('over TLS the server is Apple’s, or one that `ca` vouches for', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'apns-'));
  const authority = certificateAuthority(folder, 'push');
  const apns = await startApns({ tls: authority.sign('apns') });
  const clock = new FakeClock();
  const open = (more: object) => {
    const options = { apns: { ...apnsOptions(apns), ...more } };
    const sender = attempting(openChannel(push, options, { ...DEPENDENCIES, clock, templates: TEMPLATES }));
    t.after(() => sender.close());
    return sender;
  };
  t.after(() => apns.close());
  assert.equal((await open({}).send(pushAction([ios('t1')]), 1, NO_ABORT)).outcome, 'retry');
  assert.equal((await open({ ca: authority.caFile }).send(pushAction([ios('t1')]), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal((await open({ ca: authority.ca }).send(pushAction([ios('t2')]), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(apns.messages.length, 2);
});

test('a server in the private network is refused whatever DNS says, and one that is not there is tried again', async (t) => {
  const apns = await startApns();
  await apns.close();
  const open = (more: object, dependencies: object) => {
    const options = { apns: { ...apnsOptions(apns), ...more } };
    const around = { ...DEPENDENCIES, clock: new FakeClock(), templates: TEMPLATES, ...dependencies };
    const sender = attempting(openChannel(push, options, around));
    t.after(() => sender.close());
    return sender;
  };
  const lookup = (_host: string, _options: object, found: (error: null, addresses: object[]) => void) => {
    found(null, [{ address: '127.0.0.1', family: 4 }]);
  };
  const rebound = open({ url: 'https://rebound.test', allowPrivate: false }, { lookup });
  const refused = await rebound.send(pushAction([ios('t1')]), 1, NO_ABORT);
  assert.deepEqual([refused.outcome, (refused as { reason: string }).reason], ['failed', 'private address refused']);
  const away = await open({}, {}).send(pushAction([ios('t1')]), 1, NO_ABORT);
  assert.deepEqual(away, { outcome: 'retry', reason: 'no connection: ECONNREFUSED' });
});
