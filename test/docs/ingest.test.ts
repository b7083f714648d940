// Every snippet of docs/ingest.md is run as it stands, against a server in the place of the one that it names.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../../testing/until.ts';
import { configWith, KEY, type Kit, startKit } from '../apps/http/ingest/kit.ts';
import { openChromium } from '../clients/chromium.ts';
import { pythonPrograms } from '../clients/python.ts';

const page = readFileSync(new URL('../../docs/ingest.md', import.meta.url), 'utf8');
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const STATED = '127.0.0.1:8080';
const run = promisify(execFile);

function snippets(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);
}

/** The one snippet in a language, speaking to the server. */
function snippet(language: string, kit: Kit): string {
  const [text, ...others] = snippets(language);
  assert.deepEqual(others, [], `more than one snippet in ${language}`);
  assert.ok(text!.includes(STATED));
  return text!.replaceAll(STATED, new URL(kit.url).host);
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-docs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const env = { ...process.env, WRITE_KEY: KEY, STRIPE_SECRET: 's', SHOPIFY_SECRET: 's' };

async function purchases(kit: Kit): Promise<readonly unknown[]> {
  const events = await kit.events();
  return events.filter(({ event }) => event === 'purchase').map(({ userId, properties }) => [userId, properties]);
}

const EXPECTED = [['u1', { value: 80 }]];

test('the settings are read without a mistake', (t) => {
  const texts = snippets('yaml');
  assert.ok(texts.length >= 3);
  for (const text of texts) {
    const expanded = text.replaceAll(/\$\{(\w+)\}/g, (_, name: 'WRITE_KEY') => env[name]);
    assert.ok(configWith(t, expanded).http !== null);
  }
});

test('each call of curl is answered with success, and its event kept', async (t) => {
  const texts = snippets('sh');
  assert.equal(texts.length, 2);
  for (const text of texts) {
    const kit = await startKit(t);
    const { stdout } = await run('sh', ['-c', text.replaceAll(STATED, new URL(kit.url).host)], { env });
    assert.deepEqual(JSON.parse(stdout), { success: true });
    assert.deepEqual(await purchases(kit), EXPECTED);
  }
});

test('the library for Node sends', { timeout: 60_000 }, async (t) => {
  const kit = await startKit(t);
  const folder = folderOf(t);
  symlinkSync(modules, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'snippet.mjs'), snippet('js', kit));
  await run(process.execPath, ['snippet.mjs'], { cwd: folder, env });
  assert.deepEqual(await purchases(kit), EXPECTED);
});

test('the library for Python sends', { timeout: 300_000 }, async (t) => {
  const programs = await pythonPrograms(new URL('../clients/segment.txt', import.meta.url));
  const kit = await startKit(t);
  const folder = folderOf(t);
  writeFileSync(join(folder, 'snippet.py'), snippet('python', kit));
  await run(join(programs, 'python'), ['snippet.py'], { cwd: folder, env });
  assert.deepEqual(await purchases(kit), EXPECTED);
});

test('the library for browsers sends from a page of another origin, in a real Chromium', {
  timeout: 400_000,
}, async (t) => {
  const kit = await startKit(t);
  const site = await startSite(t, snippet('javascript', kit).replace('WRITE_KEY', KEY));
  const browser = await openChromium(t);
  const tab = await browser.newPage();
  const complaints: string[] = [];
  tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  tab.on('pageerror', (error) => complaints.push(String(error)));
  const asked: string[] = [];
  tab.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).host}`));
  await tab.goto(site);
  await until(async () => (await kit.events()).length >= 3, { seen: () => [complaints, asked] });
  const events = await kit.events();
  assert.deepEqual(events.map(({ type, event, userId }) => [type, event, userId]).toSorted(), [
    ['identify', undefined, 'u1'],
    ['page', undefined, 'u1'],
    ['track', 'purchase', 'u1'],
  ]);
  const identified = events.find(({ type }) => type === 'identify')!;
  assert.deepEqual(identified['traits'], { plan: 'pro' });
  assert.ok(events.every((each) => typeof each['anonymousId'] === 'string' && !('writeKey' in each)));
  assert.deepEqual(complaints, []);
  const hosts = new Set(asked.map((line) => line.split(' ')[1]));
  assert.deepEqual([...hosts].toSorted(), [new URL(kit.url).host, new URL(site).host].toSorted());

  // As analytics.js and others do when a page is left.
  await tab.evaluate(
    ([url, key]) => {
      const message = (event: string) => JSON.stringify({ writeKey: key, userId: 'u2', event });
      (navigator as unknown as Beacons).sendBeacon(`${url}/v1/t`, message('left by beacon'));
      return fetch(`${url}/v1/t`, { method: 'POST', body: message('left by fetch'), keepalive: true }).then(
        (r) => r.status,
      );
    },
    [kit.url, KEY] as const,
  );
  await until(async () => (await kit.events()).filter(({ userId }) => userId === 'u2').length === 2);
});

/** What the page's own types would say. */
interface Beacons {
  sendBeacon(url: string, body: string): boolean;
}

/** A page at http://localhost, with the library and a program of its own. */
async function startSite(t: TestContext, program: string): Promise<string> {
  const library = readFileSync(join(modules, '@segment/analytics-next/dist/umd/index.js'));
  const shim = 'export const AnalyticsBrowser = window.AnalyticsNext.AnalyticsBrowser;';
  const html = `<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="/library.js"></script>
<script type="importmap">{ "imports": { "@segment/analytics-next": "/shim.js" } }</script>
<script type="module">${program}</script>`;
  const files: Readonly<Record<string, readonly [type: string, content: string | Buffer]>> = {
    '/': ['text/html; charset=utf-8', html],
    '/library.js': ['text/javascript', library],
    '/shim.js': ['text/javascript', shim],
  };
  const server = createServer((request, response) => {
    const [type, content] = files[request.url!] ?? ['text/plain', 'not there'];
    response.writeHead(files[request.url!] === undefined ? 404 : 200, { 'content-type': type }).end(content);
  });
  t.after(() => server.close());
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}
