// The inbox of examples/inapp in Chromium: the example's own page and server, with a worker.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../../../scripts/chromium.ts';
import { until } from '../../../../testing/until.ts';
import { type InboxWorker, SECRET, startInboxWorker } from './kit.ts';

const SERVE = fileURLToPath(new URL('../../../../examples/inapp/serve.ts', import.meta.url));
const TIMEOUT = { timeout: 240_000 };

let browser: Browser;

before(async () => {
  // As root Chromium has no sandbox of its own.
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
});
after(() => browser?.close());

interface Site {
  readonly worker: InboxWorker;
  readonly context: BrowserContext;
  /** Streams that were opened. */
  readonly streams: string[];
  open(user: string): Promise<Page>;
}

async function site(t: TestContext): Promise<Site> {
  const worker = await startInboxWorker(t);
  const env = { ...process.env, INAPP_SECRET: SECRET, TRIPLINE_URL: worker.url(), PORT: '0' };
  const server: ChildProcess = spawn(process.execPath, [SERVE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill());
  let said = '';
  server.stdout!.on('data', (chunk) => (said += chunk));
  const url = await until(() => /http:\S+\/(?=\?)/.exec(said)?.[0], { message: 'the site is served' });
  const context = await browser.newContext();
  t.after(() => context.close());
  const streams: string[] = [];
  context.on('request', (request) => {
    if (request.url().includes('/inapp/stream')) streams.push(request.url());
  });
  const open = async (user: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(`${url}?user=${user}`);
    await page.getByText('unread', { exact: false }).first().waitFor();
    return page;
  };
  return { worker, context, streams, open };
}

const unread = (page: Page, count: number) => page.getByText(`${count} unread`).waitFor({ timeout: 30_000 });
const titles = (page: Page) => page.locator('h3').allTextContents();

test('a message appears as it is delivered, is read and archived, and nobody else sees it', TIMEOUT, async (t) => {
  const { worker, open } = await site(t);
  const [ada, ben] = [await open('ada'), await open('ben')];
  await worker.signUp('ada', 'm1');
  await unread(ada, 1);
  assert.deepEqual(await titles(ada), ['Hello ada']);
  await ada.getByRole('button', { name: 'Mark as read: Hello ada' }).click();
  await unread(ada, 0);
  await ada.reload();
  await ada.getByText('Hello ada').waitFor();
  await ada.getByRole('button', { name: 'Archive: Hello ada' }).click();
  await ada.getByText('Hello ada').waitFor({ state: 'detached' });
  assert.deepEqual(await titles(ben), []);
});

test('the tabs of a browser share one stream, which goes on when the tab that has it closes', TIMEOUT, async (t) => {
  const { worker, streams, open } = await site(t);
  const first = await open('ada');
  await until(() => streams.length === 1);
  const second = await open('ada');
  await worker.signUp('ada', 'm1');
  await Promise.all([unread(first, 1), unread(second, 1)]);
  await second.getByRole('button', { name: 'Mark as read: Hello ada' }).click();
  await Promise.all([unread(first, 0), unread(second, 0)]);
  assert.equal(streams.length, 1);
  await first.close();
  await until(() => streams.length === 2);
  await worker.signUp('ada', 'm2');
  await unread(second, 1);
  assert.equal(streams.length, 2);
});

test('what somebody typed is text in the page, never markup', TIMEOUT, async (t) => {
  const { worker, open } = await site(t);
  const page = await open('ada');
  const name = '<img src=x onerror="document.title=1">';
  const body = JSON.stringify({ userId: 'ada', event: 'signed_up', properties: { name } });
  await worker.call('/v1/track', { method: 'POST', token: 'k1', body });
  await unread(page, 1);
  assert.deepEqual(await titles(page), [`Hello ${name}`]);
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.title(), 'Inbox');
});

test('the page goes on by itself after the worker was away', TIMEOUT, async (t) => {
  const { worker, open, streams } = await site(t);
  const page = await open('ada');
  await until(() => streams.length === 1);
  const { port } = new URL(worker.url());
  await worker.worker.kill();
  worker.worker.start();
  await worker.worker.untilRunning(60_000);
  // It takes a free port, so another one: what the page asks is led there.
  const away = new URL(worker.url()).origin;
  await page.route(`http://127.0.0.1:${port}/**`, (route) => {
    return route.continue({
      url: route
        .request()
        .url()
        .replace(/^http:\/\/[^/]+/, away),
    });
  });
  await worker.signUp('ada', 'm1');
  await page.getByText('Hello ada').waitFor({ timeout: 60_000 });
});

test('axe finds nothing serious in the page, with and without messages', TIMEOUT, async (t) => {
  const { worker, open } = await site(t);
  const page = await open('ada');
  const serious = async (): Promise<unknown[]> => {
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string; impact: string }[] };
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id);
  };
  assert.deepEqual(await serious(), []);
  await worker.signUp('ada', 'm1');
  await unread(page, 1);
  assert.deepEqual(await serious(), []);
});

test('a browser that subscribes to push tells Tripline its subscription, under one id', TIMEOUT, async (t) => {
  const { worker, context, open } = await site(t);
  await context.grantPermissions(['notifications']);
  const page = await open('ada');
  const told: { method: string; path: string; body: unknown; key: string | undefined }[] = [];
  await page.route('**/api/people/**', async (route) => {
    const request = route.request();
    const cors = {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*',
      'access-control-allow-methods': '*',
    };
    if (request.method() !== 'OPTIONS') {
      const { pathname } = new URL(request.url());
      const key = request.headers()['authorization'];
      told.push({ method: request.method(), path: pathname, body: JSON.parse(request.postData() ?? 'null'), key });
    }
    await route.fulfill({ status: 200, headers: cors, json: { success: true } });
  });
  // Chromium's own push service is on the internet: the subscription is ours.
  const id = (await page.evaluate(`(async () => {
    const { subscribeToPush, unsubscribeFromPush } = await import('${worker.url()}/inapp/client.js');
    const subscription = {
      endpoint: 'https://push.test/1',
      toJSON: () => ({ endpoint: 'https://push.test/1', keys: { p256dh: 'p', auth: 'a' } }),
      unsubscribe: async () => true,
    };
    const registration = {
      pushManager: { subscribe: async () => subscription, getSubscription: async () => subscription },
    };
    const options = { token: 'k1', userId: 'ada', publicKey: 'key', registration };
    const id = await subscribeToPush(options);
    await unsubscribeFromPush(options);
    return id;
  })()`)) as string;
  assert.match(id, /^web-[0-9a-f]{32}$/);
  const path = `/api/people/ada/devices/${id}`;
  const subscription = { endpoint: 'https://push.test/1', keys: { p256dh: 'p', auth: 'a' } };
  assert.deepEqual(told, [
    { method: 'PUT', path, body: { type: 'web', subscription }, key: 'Bearer k1' },
    { method: 'DELETE', path, body: null, key: 'Bearer k1' },
  ]);
});
