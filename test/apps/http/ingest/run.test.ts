import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { until } from '../../../../testing/until.ts';
import { type Receiver, startReceiver } from '../../../connectors/channels/webhook/receiver.ts';
import { basic } from './kit.ts';

const LAUNCHER = fileURLToPath(new URL('../../../../bin/tripline', import.meta.url));

const env = {
  ...process.env,
  WRITE_KEY: 'k1',
  WEBHOOK_SECRET: `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`,
};

const RULE = `id: purchase-thanks
when: { event: purchase, where: 'event.properties.value >= 50.0' }
then: [{ send: { channel: webhook, data: { value: event.properties.value } } }]
`;

function project(t: TestContext, receiver: Receiver, threads: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-run-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules/purchase-thanks.yaml'), RULE);
  writeFileSync(
    join(folder, 'tripline.yaml'),
    `application: shop
threads: ${threads}
rules: ./rules
channels:
  webhook: { url: "${receiver.url}", secret: "\${WEBHOOK_SECRET}", allowPrivate: true }
http: { port: 0, writeKeys: ["\${WRITE_KEY}"] }
`,
  );
  return folder;
}

interface Running {
  readonly url: string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** `tripline run` as a process of its own, which takes events. */
async function launch(t: TestContext, folder: string): Promise<Running> {
  const child = spawn(LAUNCHER, ['run'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  let log = '';
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log += `${line}\n`;
      const { url, msg } = JSON.parse(line) as { url?: string; msg?: string };
      if (url !== undefined && msg === 'taking events over HTTP') resolve(url);
    });
    void exited.then((code) => reject(new Error(`run exited with ${code}:\n${log}`)));
  });
  return {
    url: await url,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The same, once it is ready. */
async function run(t: TestContext, folder: string): Promise<Running> {
  const running = await launch(t, folder);
  const isReady = async (): Promise<boolean> => {
    const { statusCode, body } = await request(`${running.url}/health/ready`);
    await body.dump();
    return statusCode === 200;
  };
  await until(isReady, { message: 'it is ready' });
  return running;
}

async function post(url: string, path: string, body: unknown): Promise<number> {
  const sent = await request(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: basic('k1') },
    body: JSON.stringify(body),
  });
  await sent.body.dump();
  return sent.statusCode;
}

interface Decided {
  readonly rule: string;
  readonly outcome: string;
  readonly entity: { readonly id: string };
  readonly events: readonly string[];
}

async function decisions(folder: string): Promise<readonly Decided[]> {
  const child = spawn(LAUNCHER, ['decisions', '--json'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Decided[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return lines;
}

for (const threads of [1, 2]) {
  const times = threads === 1 ? 'one thread' : `${threads} threads`;
  test(`events sent over HTTP become decisions and webhooks in ${times}`, { timeout: 120_000 }, async (t) => {
    const receiver = await startReceiver(t);
    const folder = project(t, receiver, threads);
    const { url, stop } = await run(t, folder);
    const purchase = (user: string, value: number) => ({
      type: 'track',
      userId: user,
      event: 'purchase',
      messageId: `m-${user}`,
      properties: { value },
    });
    assert.equal(await post(url, '/v1/track', purchase('u1', 80)), 200);
    // A sender that had no answer sends again.
    assert.equal(await post(url, '/v1/track', purchase('u1', 80)), 200);
    const users = ['u2', 'u3', 'u4', 'u5', 'u6'];
    const batch = [...users.map((user) => purchase(user, 50)), purchase('cheap', 49.9)];
    assert.equal(await post(url, '/v1/batch', { batch }), 200);
    await receiver.untilReceived(6);

    const wanted = ['u1', ...users].map((user) => [user, 'purchase-thanks', 'fired', [`m-${user}`]]);
    const seen = async () =>
      (await decisions(folder))
        .map(({ entity, rule, outcome, events }) => [entity.id, rule, outcome, events])
        .toSorted(([a], [b]) => String(a).localeCompare(String(b)));
    assert.deepEqual(await seen(), wanted);

    const before = performance.now();
    assert.equal(await stop(), 0);
    const tookMs = performance.now() - before;
    t.diagnostic(`stopped in ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 10_000);
    assert.deepEqual(await seen(), wanted);
    assert.equal(receiver.received.length, 6);
    const bodies = receiver.received.map(({ body }) => JSON.parse(body) as { data: { value: number } });
    assert.deepEqual(
      bodies.map(({ data }) => data.value).toSorted((a, b) => a - b),
      [50, 50, 50, 50, 50, 80],
    );
  });
}

test('an event that was answered with success survives a kill', { timeout: 120_000 }, async (t) => {
  const receiver = await startReceiver(t);
  const folder = project(t, receiver, 1);
  const { url, kill } = await launch(t, folder);
  const event = { userId: 'u1', event: 'purchase', messageId: 'm-u1', properties: { value: 80 } };
  assert.equal(await post(url, '/v1/track', event), 200);
  await kill();
  const { stop } = await run(t, folder);
  await receiver.untilReceived(1);
  assert.equal(await stop(), 0);
  assert.deepEqual(
    (await decisions(folder)).map(({ entity, events }) => [entity.id, events]),
    [['u1', ['m-u1']]],
  );
});
