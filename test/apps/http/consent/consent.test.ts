// What a person says of messages, by the links of a real mail, a page in Chromium, the API and the command; and what is heard of
// the mail, over real HTTP against a worker that runs.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { request } from 'undici';
import { consent } from '../../../../apps/cli/commands/consent.ts';
import { openEmbeddedLogReadOnly } from '../../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { decisionCodec, deliveryCodec } from '../../../../schemas/framed.ts';
import { chromiumPath } from '../../../../scripts/chromium.ts';
import { readTopic } from '../../../../services/topics/read-topic.ts';
import { until } from '../../../../testing/until.ts';
import { WorkerProcess } from '../../../../testing/worker-process.ts';
import { startSmtpServer } from '../../../connectors/channels/email/smtp-server.ts';
import { folderWith, run } from '../../cli/kit.ts';

const START_MS = 60_000;
const RULES = `id: news
category: news
when: { event: published }
then: [{ send: { channel: email, template: news } }]
---
id: receipt
category: receipts
when: { event: paid }
then: [{ send: { channel: email, template: news } }]
---
id: keen
when: { event: email_clicked, where: 'event.properties.rule == "news"' }
`;
const TEMPLATE =
  '---\nsubject: News\n---\n<p>Read <a href="https://shop.test/new?x=1">this</a>. <a href="{{ preferencesUrl }}">Choose</a></p>';
const PERSON = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Project {
  readonly rules?: string;
  readonly consent?: string;
  readonly templates?: Readonly<Record<string, string>>;
}

async function start(
  t: TestContext,
  { rules = RULES, consent: terms = '{ always: [receipts] }', templates = {} }: Project = {},
) {
  const smtp = await startSmtpServer(t);
  const port = await freePort();
  const folder = folderWith(t, { 'rules/rules.yaml': rules, 'templates/news/email.liquid': TEMPLATE, ...templates });
  const url = `http://127.0.0.1:${port}`;
  const config = [
    'application: shop',
    'dataDir: ./data',
    'log: { partitions: 2 }',
    'outOfOrderness: 0s',
    `http: { port: ${port}, writeKeys: ["k1"], publicUrl: "${url}" }`,
    `consent: ${terms}`,
    'rules: ./rules',
    'templates: ./templates',
    `channels: { email: { host: 127.0.0.1, port: ${smtp.port}, from: "Shop <hello@shop.test>", to: "{{ entity.id }}@people.test" } }`,
  ].join('\n');
  const worker = new WorkerProcess({ number: 1, folder, config: `${config}\n` });
  t.after(() => worker.kill());
  worker.start();
  await worker.untilRunning(START_MS);
  let made = 0;
  const post = async (path: string, body: object, key = 'k1') => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await request(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  const happens = async (event: string, userId: string): Promise<void> => {
    const { status, text } = await post('/v1/track', { userId, event, messageId: `m${++made}` });
    assert.equal(status, 200, text);
  };
  const read = async <Value>(topic: string, decode: (value: Buffer) => Value): Promise<Value[]> => {
    const log = await openEmbeddedLogReadOnly({ dir: join(folder, 'data', 'log'), clock: systemClock });
    const found: Value[] = [];
    for await (const { value } of readTopic(log, topic)) found.push(decode(value as Buffer));
    await log.close();
    return found;
  };
  const decisions = async (rule: string) =>
    (await read('tripline.decisions', decisionCodec.decode)).filter((one) => one.rule === rule);
  /** The last decision of the rule, once there are so many. */
  const decided = async (rule: string, count: number) =>
    until(async () => ((await decisions(rule)).length >= count ? (await decisions(rule)).at(-1)! : undefined), {
      message: `${count} decisions of ${rule}`,
    });
  const mail = (count: number) =>
    until(() => (smtp.taken.length >= count ? smtp.taken.at(-1)! : undefined), { message: `${count} mails` });
  const get = (target: string, userAgent = PERSON) => request(target, { headers: { 'user-agent': userAgent } });
  return { url, folder, smtp, post, happens, read, decided, mail, get };
}

const linkIn = (html: string, kind: string): string => new RegExp(`https?://[^"<> ]+/${kind}/[^"<> ]+`).exec(html)![0];

test('a mail’s own links end what it is about with one click, and only with a POST; each change is a record with its proof', {
  timeout: 180_000,
}, async (t) => {
  const { happens, mail, get, decided, read, smtp } = await start(t);
  await happens('published', 'u1');
  const { email, raw } = await mail(1);
  const header = email.headers.find(({ key }) => key === 'list-unsubscribe')!.value;
  const unsubscribe = /<([^>]+)>/.exec(header)![1]!;
  assert.match(raw, /List-Unsubscribe-Post: List-Unsubscribe=One-Click/);

  // Whoever only looks changes nothing.
  const page = await get(unsubscribe);
  assert.equal(page.statusCode, 200);
  assert.match(await page.body.text(), /Do you want to stop messages about “news”\?/);
  await happens('published', 'u1');
  await mail(2);

  const answer = await request(unsubscribe, { method: 'POST', body: 'List-Unsubscribe=One-Click' });
  assert.equal(answer.statusCode, 200);
  await answer.body.dump();
  await happens('published', 'u1');
  const refused = await decided('news', 3);
  assert.deepEqual([refused.outcome, refused.reason], ['suppressed', 'consent']);
  await happens('published', 'u2');
  await mail(3);
  assert.deepEqual(
    smtp.taken.map(({ to }) => to[0]),
    ['u1@people.test', 'u1@people.test', 'u2@people.test'],
  );
  const changes = await read('tripline.consent-changes', (value) => JSON.parse(Buffer.from(value).toString('utf8')));
  assert.equal(changes.length, 1);
  const { timestamp, ...change } = changes[0]!;
  assert.deepEqual(change, {
    userId: 'u1',
    categories: { news: false },
    source: 'one-click unsubscribe',
    text: 'Unsubscribe (news)',
  });
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
  // Of another person's message it is none, and forged it is nobody's.
  const forged = await request(`${unsubscribe.slice(0, -4)}AAAA`, { method: 'POST' });
  assert.equal(forged.statusCode, 404);
  await forged.body.dump();
});

test('a click and an opening are heard once, of people; a scanner’s are records and no events', {
  timeout: 180_000,
}, async (t) => {
  const { happens, mail, get, decided, read } = await start(t);
  await happens('published', 'u1');
  const { email } = await mail(1);
  const click = linkIn(email.html!, 'c').replaceAll('&amp;', '&');
  const pixel = linkIn(email.html!, 'o');
  for (const [target, agent] of [
    [click, 'Googlebot/2.1 (+http://www.google.com/bot.html)'],
    [pixel, PERSON],
    [pixel, PERSON],
    [click, PERSON],
    [click, PERSON],
  ] as const) {
    const answer = await get(target, agent);
    if (target === click)
      assert.deepEqual([answer.statusCode, answer.headers['location']], [302, 'https://shop.test/new?x=1']);
    else assert.deepEqual([answer.statusCode, answer.headers['content-type']], [200, 'image/gif']);
    await answer.body.dump();
  }
  const keen = await decided('keen', 1);
  assert.equal(keen.outcome, 'fired');
  await happens('published', 'u2');
  await mail(2);
  const told = (await read('tripline.deliveries', deliveryCodec.decode))
    .filter(({ entity }) => entity.id === 'u1')
    .map(({ outcome, isMachine, url }) => `${outcome} ${isMachine} ${url}`);
  assert.deepEqual(told.sort(), [
    'clicked false https://shop.test/new?x=1',
    'clicked true https://shop.test/new?x=1',
    'delivered false null',
    'opened false null',
  ]);
  const wrong = await get(`${click}x`);
  assert.equal(wrong.statusCode, 404);
  await wrong.body.dump();
});

test('who said no to everything by the API gets receipts all the same, and news again when allowed', {
  timeout: 180_000,
}, async (t) => {
  const { happens, post, mail, decided, smtp } = await start(t);
  for (const [body, key, status] of [
    [{ userId: 'u1', all: false, source: 'form', text: 'no mails please' }, 'k1', 200],
    [{ userId: 'u1', all: false }, 'k2', 401],
    [{ userId: 'u1', all: 'no' }, 'k1', 400],
    [{ all: false }, 'k1', 400],
  ] as const) {
    const answer = await post('/v1/consent', body, key);
    assert.equal(answer.status, status, answer.text);
  }
  await happens('published', 'u1');
  assert.equal((await decided('news', 1)).reason, 'consent');
  await happens('paid', 'u1');
  const receipt = await mail(1);
  assert.equal(
    receipt.email.headers.some(({ key }) => key === 'list-unsubscribe'),
    false,
  );
  await post('/v1/consent', { userId: 'u1', all: true });
  await happens('published', 'u1');
  await mail(2);
  assert.equal(smtp.taken.length, 2);
});

test('the preference page in Chromium shows what was said, keeps what is chosen, and axe finds nothing serious', {
  timeout: 180_000,
}, async (t) => {
  const { happens, mail, decided } = await start(t);
  await happens('published', 'u1');
  const { email } = await mail(1);
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(linkIn(email.html!, 'preferences'));
  const news = page.getByLabel('news');
  assert.equal(await news.isChecked(), true);
  await news.uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('status').waitFor();
  assert.equal(await page.getByLabel('news').isChecked(), false);
  assert.equal(await page.getByLabel('email').isChecked(), true);
  // The page forbids scripts, its own and others': axe is run where it may.
  const html = await page.content();
  const bare = await browser.newPage();
  await bare.setContent(html);
  await bare.evaluate(axe.source);
  const { violations } = (await bare.evaluate('axe.run()')) as axe.AxeResults;
  assert.deepEqual(
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id),
    [],
  );
  await happens('published', 'u1');
  assert.equal((await decided('news', 2)).reason, 'consent');
});

const ASKING = `${RULES}---
id: ask
category: confirmation
when: { event: consent_requested }
then: [{ send: { channel: email, template: ask, data: { url: event.properties.confirmUrl } } }]
`;

test('a yes that must be confirmed counts once the person has followed the link of the mail and pressed the button', {
  timeout: 180_000,
}, async (t) => {
  const { url, post, happens, mail, get, decided, read, folder } = await start(t, {
    rules: ASKING,
    consent: '{ always: [receipts, confirmation], doubleOptIn: { categories: [news] } }',
    templates: { 'templates/ask/email.liquid': '---\nsubject: Yours?\n---\n<a href="{{ data.url }}">Yes</a>' },
  });
  await happens('published', 'u1');
  assert.equal((await decided('news', 1)).reason, 'consent', 'nothing was said');
  const said = { userId: 'u1', categories: { news: true }, source: 'form', text: 'Send me news' };
  // Whoever fills in the form cannot say that it was confirmed.
  assert.equal((await post('/v1/consent', { ...said, requestedAt: '2026-01-01T00:00:00Z' })).status, 400);
  assert.equal((await post('/v1/consent', said)).status, 200);
  const { email } = await mail(1);
  const link = linkIn(email.html!, 'confirm');
  assert.ok(link.startsWith(`${url}/confirm/`));
  await happens('published', 'u1');
  assert.equal((await decided('news', 2)).reason, 'consent', 'it is pending');
  const shown = async () =>
    (await run(['consent', 'show', '--user', 'u1', '-c', 'tripline.yaml'], [consent], folder)).out;
  assert.match(await shown(), /^news {2}no, until it is confirmed\n/);

  for (const [target, status] of [
    [`${link.slice(0, -4)}AAAA`, 404],
    [link.replace('/confirm/', '/preferences/'), 404],
  ] as const) {
    const forged = await request(target, { method: 'POST' });
    assert.equal(forged.statusCode, status);
    await forged.body.dump();
  }
  const looked = await get(link);
  assert.equal(looked.statusCode, 200);
  await looked.body.dump();
  assert.match(await shown(), /until it is confirmed/, 'who only looks changes nothing');

  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(link);
  assert.equal(await page.getByText('Do you want to receive news?').isVisible(), true);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('status').waitFor();
  assert.match(await page.getByRole('status').innerText(), /You will receive news/);
  await happens('published', 'u1');
  assert.equal((await decided('news', 3)).outcome, 'fired');
  await mail(2);
  assert.match(await shown(), /^news {2}yes\n/);
  const [asked, confirmed, ...more] = await read('tripline.consent-changes', (value) =>
    JSON.parse(Buffer.from(value).toString('utf8')),
  );
  assert.deepEqual(more, []);
  const { timestamp, ...proof } = confirmed;
  assert.deepEqual(proof, {
    userId: 'u1',
    categories: { news: true },
    requestedAt: asked.timestamp,
    source: 'confirmation link',
    text: 'Do you want to receive news?',
  });
  assert.ok(Date.parse(timestamp) > Date.parse(asked.timestamp));
});
