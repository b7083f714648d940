// `tripline preview`: what a rule would say on a file of events, channel by channel, with nothing sent.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { preview as previewCommand } from '../../../apps/cli/commands/preview.ts';
import { folderWith, run } from './kit.ts';

const RULES = `
id: cart
when: { absence: { after: { event: add_to_cart, as: cart }, of: purchase, within: 24h } }
category: promotions
then: [{ send: { channel: email, template: cart, fallback: [webhook, sms], data: { product: cart.properties.product } } }]
---
id: other
when: { event: purchase }
then: [{ send: { channel: webhook, template: other } }]
`;
const MAIL = '---\nsubject: "Your {{ data.product }}"\n---\nHello {{ profile.name }}, it is still there.\n';
const EVENTS = [
  ['u1', 'add_to_cart', '2026-01-01T10:00:00Z', 'lamp'],
  ['u2', 'add_to_cart', '2026-01-01T09:00:00Z', 'chair'],
  ['u2', 'purchase', '2026-01-01T09:30:00Z', 'chair'],
  ['u3', 'add_to_cart', '2026-01-02T10:00:00Z', 'desk'],
].map(([userId, event, timestamp, product], n) => {
  return { type: 'track', messageId: `m${n}`, userId, event, timestamp, properties: { product } };
});
const PEOPLE = ['u1', 'u2', 'u3'].map((userId) => {
  const traits = { name: `<${userId}>`, email: `${userId}@example.com` };
  return { type: 'identify', messageId: `i${userId}`, userId, timestamp: '2026-01-01T00:00:00Z', traits };
});
const SECRET = `whsec_${Buffer.from('a secret of 24 bytes or more').toString('base64')}`;

interface Shop {
  readonly folder: string;
  /** Connections that a mail server got. */
  readonly calls: () => number;
}

async function shop(t: TestContext): Promise<Shop> {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const config = {
    application: 'shop',
    deliveredElsewhere: ['sms'],
    channels: {
      email: { host: '127.0.0.1', port, from: 'Shop <hello@shop.test>' },
      webhook: { url: `http://127.0.0.1:${port}/`, secret: `\${SECRET}`, allowPrivate: true },
    },
  };
  const folder = folderWith(t, {
    'tripline.yaml': JSON.stringify(config),
    'rules/rules.yaml': RULES,
    'templates/cart/email.liquid': MAIL,
    'templates/cart/webhook.liquid': '{"product": "{{ data.product }}"}',
    'templates/other/webhook.liquid': '{}',
    'templates/cart/sms.liquid': 'Your {{ data.product }}',
    'events.jsonl': `${[...PEOPLE, ...EVENTS, 'no event'].map((line) => JSON.stringify(line)).join('\n')}\n`,
  });
  return { folder, calls: () => calls };
}

const previewed = (folder: string, ...words: string[]) =>
  run(['preview', ...words], [previewCommand], folder, { SECRET });

test('each channel of the route shows its message as it would be sent, and nothing is', async (t) => {
  const { folder, calls } = await shop(t);
  const { code, out, err } = await previewed(folder, 'cart', '--data', 'events.jsonl', '--json');
  assert.equal(err, 'preview: 1 lines of events.jsonl cannot be read\n');
  const [mail, webhook, sms, ...more] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(more, []);
  const about = { entity: 'user/u1', at: '2026-01-02T10:00:00.000Z' };
  const { content, ...rest } = mail;
  const fine = { outcome: 'rendered', reason: null, missing: [] };
  assert.deepEqual(rest, { channel: 'email', ...about, attempt: 1, ...fine, to: 'u1@example.com' });
  assert.equal(content.subject, 'Your lamp');
  assert.match(content.text, /^Hello <u1>, it is still there\./);
  assert.deepEqual([webhook.channel, webhook.attempt, webhook.outcome], ['webhook', 2, 'rendered']);
  assert.match(JSON.stringify(webhook.content), /lamp/);
  const elsewhere = { outcome: 'elsewhere', reason: null, to: null, content: null, missing: [] };
  assert.deepEqual(sms, { channel: 'sms', ...about, attempt: 3, ...elsewhere });
  assert.equal(code, 0);
  assert.equal(calls(), 0);
});

test('with --user it is the message of that user, in words', async (t) => {
  const { folder } = await shop(t);
  const { out } = await previewed(folder, 'cart', '--data', 'events.jsonl', '--user', 'u3');
  assert.match(out, /^── email to u3@example\.com {2}\(user\/u3, 2026-01-03T10:00:00\.000Z\)\n/);
  assert.match(out, /\nsubject: Your desk\n/);
  assert.match(out, /── webhook.+if the channel before fails\)/);
  assert.match(out, /── sms.+if those before fail\)\nanother program delivers this channel/);
});

test('who bought gets nothing, and how to ask why is said', async (t) => {
  const { folder } = await shop(t);
  const { code, out, err } = await previewed(folder, 'cart', '--data', 'events.jsonl', '--user', 'u2');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /cart sends nothing to u2 on the events of events\.jsonl\n/);
  assert.match(err, /tripline explain --rule cart --user u2 --events events\.jsonl\n/);
});

test('a channel that cannot be opened here is said, and the others are shown', async (t) => {
  const { folder } = await shop(t);
  const { code, out } = await run(['preview', 'cart', '--data', 'events.jsonl'], [previewCommand], folder);
  assert.equal(code, 1);
  assert.match(out, /── email to u1@example\.com/);
  assert.match(out, /── webhook.+\nfailed: the channel cannot be opened here: .*secret/);
});

test('a rule that is not there, no data and a second rule are refused', async (t) => {
  const { folder } = await shop(t);
  const unknown = await previewed(folder, 'card', '--data', 'events.jsonl');
  assert.deepEqual([unknown.code, unknown.out], [1, '']);
  assert.match(unknown.err, /there is no rule "card"[\s\S]*cart/);
  for (const [words, said] of [
    [['cart'], /--data is needed/],
    [[], /say which rule/],
    [['cart', 'other', '--data', 'events.jsonl'], /one rule at a time/],
  ] as const) {
    const { code, err } = await previewed(folder, ...words);
    assert.equal(code, 2, err);
    assert.match(err, said);
  }
});
