// `tripline init`: each example is made, checked, tested, replayed, and run until its first message is printed.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { CHANNEL_IDS } from '../../../connectors/channels/index.ts';
import { LogSender } from '../../../connectors/channels/log/sender.ts';
import { loadTemplates } from '../../../connectors/channels/templates/templates.ts';
import { EXAMPLES } from '../../../services/new-project/examples.ts';
import { attempting, DEPENDENCIES } from '../../../testing/attempting.ts';
import { decide } from '../../../testing/decide.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { until } from '../../../testing/until.ts';
import { folderWith, run } from './kit.ts';

const LAUNCHER = fileURLToPath(new URL('../../../bin/tripline', import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A worker on the folder's project; what it printed so far. */
async function startWorker(t: TestContext, folder: string, env: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const all = { ...process.env, ...env, TRIPLINE_HTTP_PORT: String(port) };
  const child = spawn(LAUNCHER, ['run'], { cwd: folder, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const command = (...words: string[]) =>
    spawnSync(LAUNCHER, words, { cwd: folder, env: all, encoding: 'utf8', timeout: 60_000 });
  return { url: `http://127.0.0.1:${port}`, said, command };
}

for (const [name, { first, fires }] of Object.entries(EXAMPLES)) {
  test(`the project of ${name} has no mistake, passes its tests, and its sample makes rules fire`, async (t) => {
    const folder = folderWith(t, {});
    const made = await run(['init', 'project', '--example', name], COMMANDS, folder);
    assert.deepEqual([made.code, made.err], [0, '']);
    const project = join(folder, 'project');
    const checked = await run(['check', '.'], COMMANDS, project);
    assert.match(checked.out, /; 0 errors, 0 warnings\n$/);
    const tested = await run(['test', 'rules'], COMMANDS, project);
    assert.match(tested.out, /^test: [0-9]+ rules, [1-9][0-9]* passed, 0 failed\n$/m);
    const words = ['backtest', '--rules', 'rules', '--events', 'events.jsonl', '--out', 'out', '--advance-to', 'end'];
    const replayed = await run([...words, '--json'], COMMANDS, project);
    assert.deepEqual([checked.code, tested.code, replayed.code], [0, 0, 0]);
    const { fired, input } = JSON.parse(replayed.out) as { fired: number; input: { deadLetters: object } };
    assert.ok(fired > 0);
    assert.deepEqual(input.deadLetters, {});
    assert.equal(readFileSync(join(project, 'README.md'), 'utf8').trimEnd().split('\n').length <= 14, true);
    for (const file of readFileSync(join(project, '.vscode/settings.json'), 'utf8').match(/\.\/[^"]+\.json/g)!)
      assert.ok(existsSync(join(project, file)), file);
  });

  test(`the first event of ${name} makes its rule fire, and its messages can be printed`, async (t) => {
    const folder = folderWith(t, {});
    await run(['init', '--example', name], COMMANDS, folder);
    const { decisions, actions, refused } = await decide({
      project: folder,
      events: [{ ...first, timestamp: '2026-01-05T12:00:00Z' }],
      until: '2026-01-05T12:01:00Z',
    });
    assert.deepEqual(refused, []);
    const fired = decisions.filter(({ outcome }) => outcome === 'fired');
    assert.deepEqual(
      fired.map(({ rule }) => rule),
      [fires],
    );
    const { templates } = loadTemplates(join(folder, 'templates'), CHANNEL_IDS);
    let printed = '';
    const print = (text: string) => Promise.resolve(void (printed += text));
    const sender = attempting(new LogSender(print, { ...DEPENDENCIES, clock: new FakeClock(), templates }));
    for (const action of actions) {
      assert.equal((await sender.send(action, 1, new AbortController().signal)).outcome, 'delivered');
    }
    assert.match(printed, new RegExp(`^message  .* to .*  ${fires}  `));
  });
}

test('a first start needs nothing: an event is sent, its message is printed', {
  timeout: 120_000,
}, async (t) => {
  const folder = folderWith(t, {});
  await run(['init', '--example', 'shop'], COMMANDS, folder);
  const { url, said, command } = await startWorker(t, folder);
  const ready = command('ready');
  assert.deepEqual([ready.status, ready.stdout], [0, `ready on ${url}\n`], said.err);
  const authorization = `Basic ${Buffer.from('dev:').toString('base64')}`;
  const sent = await fetch(`${url}/v1/track`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(EXAMPLES['shop']!.first),
  });
  assert.equal(sent.status, 200, await sent.text());
  const decided = command('decisions', '--wait');
  assert.match(decided.stdout, / {2}payment-trouble {2}.* {2}fired\n$/);
  await until(() => /^message {2}/m.test(said.out), { message: 'a message is printed', seen: () => said });
  assert.match(said.out, /^message {2}.* to .* {2}payment-trouble {2}/m);
  const logged = said.err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string; url?: string });
  assert.equal(logged.find(({ msg }) => msg === 'running')!.url, url);
  assert.deepEqual(
    logged.filter(({ level }) => level > 30),
    [],
  );
});

test('a folder that is not empty is left alone, unless --force says otherwise', async (t) => {
  const folder = folderWith(t, { 'rules/mine.yaml': 'id: mine\n', 'README.md': 'mine' });
  const refused = await run(['init'], COMMANDS, folder);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /this folder is not empty: it has README\.md/);
  assert.equal(readFileSync(join(folder, 'README.md'), 'utf8'), 'mine');
  const forced = await run(['init', '--force'], COMMANDS, folder);
  assert.equal(forced.code, 0);
  assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /^# shop/);
  assert.equal(readFileSync(join(folder, 'rules/mine.yaml'), 'utf8'), 'id: mine\n');
});

test('what npm puts into a folder is not in the way', async (t) => {
  const folder = folderWith(t, { 'package.json': '{}', 'package-lock.json': '{}' });
  mkdirSync(join(folder, 'node_modules'));
  assert.equal((await run(['init', '--example', 'iot'], COMMANDS, folder)).code, 0);
});

test('an example that is not there is wrong usage, with the nearest name', async (t) => {
  const { code, err } = await run(['init', 'new', '--example', 'shopp'], COMMANDS, folderWith(t, {}));
  assert.equal(code, 2);
  assert.match(err, /there is no example "shopp"\n {2}did you mean "shop"\?/);
});

test('a webhook that nobody listens at is said in the log, in decisions and in explain', {
  timeout: 120_000,
}, async (t) => {
  const port = await freePort();
  const folder = folderWith(t, {});
  await run(['init', '--example', 'shop'], COMMANDS, folder);
  const { url, said, command } = await startWorker(t, folder, {
    TRIPLINE_CHANNELS_WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
    TRIPLINE_CHANNELS_WEBHOOK_ALLOW_PRIVATE: 'true',
  });
  assert.equal(command('ready').status, 0, said.err);
  await fetch(`${url}/v1/track`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('dev:').toString('base64')}` },
    body: JSON.stringify(EXAMPLES['shop']!.first),
  });
  const told = /"level":40,.*"channel":"webhook","reason":"no connection: ECONNREFUSED".*not delivered/;
  await until(() => told.test(said.err), { message: 'the failure is logged', deadlineMs: 30_000, seen: () => said });
  const trouble = /payment-trouble {2}user\/u1 {2}fired; webhook: not delivered yet after .* attempts?, tried again/;
  await until(() => trouble.test(command('decisions').stdout), { message: 'decisions say so', deadlineMs: 30_000 });
  const explained = command('explain', '--rule', 'payment-trouble', '--user', 'u1').stdout;
  assert.match(explained, /\nNot delivered:\n {2}.* {2}webhook: not delivered yet after .* attempts?, tried again\n/);
});

test('who waits for a worker that is not there is told so', async (t) => {
  const folder = folderWith(t, { 'tripline.yaml': 'http: { port: 1 }\n' });
  const { code, err } = await run(['ready', '--timeout', '10ms'], COMMANDS, folder);
  assert.equal(code, 1);
  assert.match(err, /^no worker of tripline is ready on http:\/\/127\.0\.0\.1:1 after 10ms\n$/);
});
