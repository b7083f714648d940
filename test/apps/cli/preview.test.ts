// `tripline preview`: what a rule would say on a file of events, channel by channel, with nothing sent.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { preview as previewCommand } from '../../../apps/cli/commands/preview.ts';
import { openerOf, openPage } from '../../../apps/cli/open-page.ts';
import { until } from '../../../testing/until.ts';
import { folderWith, run } from './kit.ts';
import { identify, openShop, START, track } from './shop-project.ts';

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
    [['cart'], /--user is needed, or --data/],
    [['cart', '--user', 'u1', '--mapping', 'm.yaml'], /--mapping and --encoding say how the file of --data/],
    [['cart', '--user', 'u1', '--open', '--json'], /--open or --json, not both/],
    [[], /say which rule/],
    [['cart', 'other', '--data', 'events.jsonl'], /one rule at a time/],
  ] as const) {
    const { code, err } = await previewed(folder, ...words);
    assert.equal(code, 2, err);
    assert.match(err, said);
  }
});

const SENT = `
id: comments
when: { event: commented }
then: [{ send: { channel: email, template: comments, data: { by: event.properties.by } } }]
`;

/** A shop whose log has what the rule sent, and whose template was changed since. */
async function shopThatSent(t: TestContext): Promise<string> {
  const config = (channels: string) =>
    `application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\n${channels}\n`;
  const folder = folderWith(t, {
    'tripline.yaml': config('deliveredElsewhere: [email]'),
    'rules/r.yaml': SENT,
    'templates/comments/email.liquid': 'old',
  });
  const driver = await openShop(t, folder);
  await driver.pipe('events.shop', identify('u1', START, { email: 'ann@example.com' }));
  for (const [n, by] of ['ben', 'eve'].entries()) {
    await driver.pipe('events.shop', track('u1', 'commented', START + n, { by }));
    await driver.pipe('events.shop', track('u2', 'commented', START + n + 10, { by: 'zoe' }));
    await driver.run();
  }
  await driver.close();
  const mail = 'channels: { email: { host: 127.0.0.1, from: hello@shop.test } }';
  writeFileSync(join(folder, 'tripline.yaml'), config(mail));
  const template =
    '---\nsubject: "{{ data.by }} wrote"\n---\n<b>{{ data.by }}</b>{{ profile.nick }}<script>alert(1)</script>';
  writeFileSync(join(folder, 'templates/comments/email.liquid'), template);
  return folder;
}

test('without --data it is what the rule sent the user last, by the templates as they are now', async (t) => {
  const folder = await shopThatSent(t);
  const { code, out } = await previewed(folder, 'comments', '--user', 'u1');
  assert.equal(code, 0);
  assert.match(out, /^── email to ann@example\.com {2}\(user\/u1, .+\.001Z\)\n/);
  assert.match(out, /\nsubject: eve wrote\n/);
  assert.match(out, /\nmissing, and shown as nothing: profile\.nick\n/);
  assert.doesNotMatch(out, /ben|zoe|old/);
  const nobody = await previewed(folder, 'comments', '--user', 'u9');
  assert.deepEqual([nobody.code, nobody.out], [1, '']);
  assert.match(nobody.err, /comments has sent nothing to u9[\s\S]*tripline explain --rule comments --user u9/);
  const unknown = await previewed(folder, 'coments', '--user', 'u1');
  assert.match(unknown.err, /there is no rule "coments"/);
});

test('--open writes a page that is its caller’s alone, in which a message runs nothing', async (t) => {
  const folder = await shopThatSent(t);
  const { code, out, err } = await previewed(folder, 'comments', '--user', 'u1', '--open');
  assert.equal(code, 0);
  const file = out.trim();
  t.after(() => rmSync(dirname(file), { recursive: true }));
  assert.equal(err, 'preview: there is no display here: open the file yourself\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const page = readFileSync(file, 'utf8');
  assert.match(page, /<h2>email to ann@example\.com<\/h2>/);
  assert.match(page, /<iframe sandbox srcdoc="&lt;b>eve&lt;\/b>/);
  assert.doesNotMatch(page, /<script/);
});

test('the page is opened by what the platform has for it, and a missing opener is said', async (t) => {
  assert.deepEqual(openerOf('darwin', {}), ['open']);
  assert.deepEqual(openerOf('win32', {}), ['cmd', '/c', 'start', '""']);
  assert.deepEqual([openerOf('linux', {}), openerOf('linux', { DISPLAY: '' })], [null, null]);
  assert.deepEqual(openerOf('linux', { WAYLAND_DISPLAY: 'wayland-0' }), ['xdg-open']);
  const folder = folderWith(t, { 'xdg-open': '#!/bin/sh\ncp "$1" "$(dirname "$0")/shown"\n' });
  chmodSync(join(folder, 'xdg-open'), 0o755);
  const shown = await openPage('<p>hello', { DISPLAY: ':0', PATH: `${folder}:${process.env['PATH']}` }, 'linux');
  assert.equal(shown.trouble, null);
  await until(() => existsSync(join(folder, 'shown')) && readFileSync(join(folder, 'shown'), 'utf8') === '<p>hello');
  const missing = await openPage('', { DISPLAY: ':0', PATH: join(folder, 'nowhere') }, 'linux');
  assert.equal(missing.trouble, 'xdg-open could not be started');
  for (const { file } of [shown, missing]) rmSync(dirname(file), { recursive: true });
});
