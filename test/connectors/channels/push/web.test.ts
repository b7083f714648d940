import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import test from 'node:test';
import { openChannel } from '../../../../connectors/channels/channel.ts';
import type { SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { push } from '../../../../connectors/channels/push/channel.ts';
import type { Device } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startWebPush } from '../../../../testing/providers/web-push.ts';
import { attempting, DEPENDENCIES } from '../kit.ts';
import { browser, NO_ABORT, pushAction, startPush, TEMPLATES, vapidKeys } from './kit.ts';

const deviceOf = (result: SendResult) => ('devices' in result ? result.devices![0]! : null);

test('a browser decrypts Declarative Web Push, with urgency, topic and how long it is good', async (t) => {
  const { sender, clock, web } = await startPush(t);
  const validUntil = clock.now() + 3_600_000;
  await sender.send(pushAction([browser(web, 'b1')], { urgency: 'critical', validUntil }), 1, NO_ABORT);
  const { text, ttlSeconds, urgency, topic, subject } = web.messages[0]!;
  assert.deepEqual([ttlSeconds, urgency, topic, subject], [3_600, 'high', 'a1', 'mailto:ops@shop.test']);
  assert.deepEqual(JSON.parse(text), {
    web_push: 8030,
    notification: {
      title: 'Hello Ada',
      body: 'Your cart waits.',
      navigate: 'https://shop.test/cart',
      image: 'https://shop.test/c.png',
      tag: 'a1',
      data: { action: 'a1', rule: 'cart-abandonment', url: 'https://shop.test/cart' },
    },
  });
});

test('a topic is what RFC 8030 allows, whatever the action is called', async (t) => {
  const { sender, web } = await startPush(t);
  await sender.send(pushAction([browser(web, 'b1')], { id: `${'x'.repeat(40)}/ü` }), 1, NO_ABORT);
  assert.match(web.messages[0]!.topic!, /^[A-Za-z0-9_-]{32}$/);
});

test('404 and 410 forget the browser; other refusals are that subscription’s own and stop nothing (W1)', async (t) => {
  const outcomeOf = async (status: number) => {
    const { sender, web } = await startPush(t, { web: { answer: () => ({ status }) } });
    const result = await sender.send(pushAction([browser(web, 'b1')]), 1, NO_ABORT);
    assert.equal((result as { disable?: boolean }).disable, undefined);
    return deviceOf(result)?.outcome ?? result.outcome;
  };
  assert.deepEqual(await Promise.all([404, 410, 403, 401, 400, 413].map(outcomeOf)), [
    'gone',
    'gone',
    'failed',
    'failed',
    'failed',
    'failed',
  ]);
  assert.deepEqual(await Promise.all([429, 500, 503].map(outcomeOf)), ['retry', 'retry', 'retry']);
});

test('an endpoint in the private network is refused, however it is written and whatever DNS says (W2)', async (t) => {
  const web = await startWebPush();
  t.after(() => web.close());
  let looks = 0;
  const lookup = ((_host: string, _options: object, found: (error: null, addresses: LookupAddress[]) => void) => {
    looks++;
    found(null, [{ address: '127.0.0.1', family: 4 }]);
  }) as unknown as LookupFunction;
  const sender = attempting(
    openChannel(
      push,
      { web: { subject: 'mailto:ops@shop.test', ...vapidKeys() } },
      { ...DEPENDENCIES, clock: new FakeClock(), templates: TEMPLATES, lookup },
    ),
  );
  t.after(() => sender.close());
  const subscription = web.subscribe('b1');
  const { port } = new URL(subscription.endpoint);
  const endpoints = [
    subscription.endpoint,
    `https://127.0.0.1:${port}/push/b1`,
    `https://2130706433:${port}/push/b1`,
    `https://[::ffff:127.0.0.1]:${port}/push/b1`,
    `https://localhost:${port}/push/b1`,
    `https://rebound.test:${port}/push/b1`,
    'http://push.test/push/b1',
    'file:///etc/passwd',
    'https://user:pass@push.test/',
    'nonsense',
  ];
  for (const endpoint of endpoints) {
    const device: Device = { ...browser(web, 'b1'), subscription: { ...subscription, endpoint } };
    const result = await sender.send(pushAction([device]), 1, NO_ABORT);
    assert.equal(result.outcome, 'failed', endpoint);
    assert.match((result as { reason: string }).reason, /private address refused|endpoint is none/, endpoint);
  }
  assert.equal(looks, 1);
  assert.equal(web.messages.length, 0);
});

test('keys that are none fail that browser alone', async (t) => {
  const { sender, web } = await startPush(t);
  const good = browser(web, 'b1');
  const bad: Device = { ...good, id: 'bad', subscription: { ...good.subscription!, p256dh: 'AAAA' } };
  const result = await sender.send(pushAction([bad, good]), 1, NO_ABORT);
  assert.equal(result.outcome, 'delivered');
  assert.deepEqual(
    (result as Extract<SendResult, { outcome: 'delivered' }>).devices!.map(({ device, outcome }) => [device, outcome]),
    [
      ['bad', 'failed'],
      ['b1', 'delivered'],
    ],
  );
});
