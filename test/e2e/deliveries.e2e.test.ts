// A real worker killed at every step of a delivery, on the embedded log, against a server on this machine: nothing is lost, every
// repetition carries the same key, and a receiver that honours it sees one effect of each (decision on deliveries, V1, N1).

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openEmbeddedLog, openEmbeddedLogReadOnly } from '../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { seededRng } from '../../lib/rng.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { deliveryCodec } from '../../schemas/framed.ts';
import { readTopic } from '../../services/topics/read-topic.ts';
import { until } from '../../testing/until.ts';
import { WorkerProcess } from '../../testing/worker-process.ts';

const PARTITIONS = 4;
const START_MS = 120_000;
const ALL_MS = 300_000;
const RULE = 'id: thanks\nwhen: { event: purchase }\nthen: [{ send: { channel: webhook } }]\n';

interface Provider {
  readonly url: string;
  /** Keys in the order in which they came. */
  readonly keys: string[];
}

async function startProvider(
  t: TestContext,
  answer: (key: string, response: ServerResponse) => void = (_key, response) => response.end(),
): Promise<Provider> {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      const key = String(request.headers['webhook-id']);
      keys.push(key);
      answer(key, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, keys };
}

function workerOn(t: TestContext, url: string, commitInterval = '{ min: 5ms, max: 100ms }'): WorkerProcess {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-deliveries-'));
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules/rule.yaml'), RULE);
  const config = `application: shop
dataDir: ./data
log: { partitions: ${PARTITIONS} }
commitInterval: ${commitInterval}
rules: ./rules
channels: { webhook: { url: "${url}", allowPrivate: true } }
`;
  const worker = new WorkerProcess({ number: 1, folder, config });
  t.after(async () => {
    await worker.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return worker;
}

/** Purchases of so many people, before any worker runs. */
async function feed({ folder }: WorkerProcess, people: number): Promise<void> {
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock });
  await log.admin.createTopics([{ topic: 'events.shop', partitions: PARTITIONS }]);
  const writer = await log.openWriter('feed');
  const now = Date.now();
  writer.send(
    Array.from({ length: people }, (_, i) => {
      const key = Buffer.from(`u${i}`);
      const timestamp = new Date(now).toISOString();
      const message = { type: 'track', messageId: `m${i}`, userId: `u${i}`, event: 'purchase', timestamp };
      const value = Buffer.from(JSON.stringify(message));
      return { topic: 'events.shop', partition: partitionOf(key, PARTITIONS), timestamp: now, key, value, headers: [] };
    }),
  );
  await writer.commit('feed', []);
  await writer.close();
  await log.close();
}

async function deliveriesOf({ folder }: WorkerProcess): Promise<Delivery[]> {
  const log = await openEmbeddedLogReadOnly({ dir: join(folder, 'data', 'log'), clock: systemClock });
  const found: Delivery[] = [];
  try {
    for await (const { value } of readTopic(log, 'tripline.deliveries'))
      if (value) found.push(deliveryCodec.decode(value));
  } finally {
    await log.close();
  }
  return found;
}

test('killed during the call, then after the call and before the commit: one effect, one delivery, and all attempts counted', async (t) => {
  let worker!: WorkerProcess;
  let calls = 0;
  const provider = await startProvider(t, (_key, response) => {
    calls++;
    // The first call hangs; the second is answered, and the worker gone before it can commit that.
    if (calls === 1) void worker.kill();
    else if (calls === 2) response.end(() => void worker.kill());
    else response.end();
  });
  worker = workerOn(t, provider.url, '{ min: 1s, max: 1s }');
  await feed(worker, 1);
  for (let life = 1; life <= 2; life++) {
    worker.start();
    await until(() => provider.keys.length >= life && !worker.isUp, {
      message: `the worker of life ${life} calls and is killed`,
      deadlineMs: START_MS,
      seen: () => worker.logTail(),
    });
  }
  worker.start();
  await until(async () => (await deliveriesOf(worker)).length > 0, {
    message: 'it is delivered',
    deadlineMs: START_MS,
    seen: () => worker.logTail(),
  });
  await worker.stop();
  assert.deepEqual(new Set(provider.keys).size, 1);
  assert.equal(provider.keys.length, 3);
  const deliveries = await deliveriesOf(worker);
  assert.deepEqual(
    deliveries.map(({ outcome, attempts, action }) => [outcome, attempts, action]),
    [['delivered', 3, provider.keys[0]]],
  );
});

test('killed again and again at any moment, every message arrives, under one key, and is settled once', async (t) => {
  const people = 400;
  const kills = 8;
  const rng = seededRng(15);
  const provider = await startProvider(t, (_key, response) => {
    void systemClock.sleep(5).then(() => response.end());
  });
  const worker = workerOn(t, provider.url);
  await feed(worker, people);
  for (let kill = 0; kill < kills; kill++) {
    const before = provider.keys.length;
    const share = Math.floor((people / kills) * rng.next());
    worker.start();
    const isAway = (): boolean => provider.keys.length >= Math.min(people, before + share);
    await until(isAway, { message: 'some are sent', deadlineMs: START_MS, seen: () => worker.logTail() });
    await worker.kill();
  }
  worker.start();
  const settled = async (): Promise<boolean> => (await deliveriesOf(worker)).length >= people;
  await until(settled, { message: 'all are settled', deadlineMs: ALL_MS, seen: () => worker.logTail() });
  await worker.stop();
  const deliveries = await deliveriesOf(worker);
  assert.equal(deliveries.length, people);
  assert.ok(deliveries.every(({ outcome }) => outcome === 'delivered'));
  const keys = new Set(deliveries.map(({ action }) => action));
  assert.equal(keys.size, people);
  assert.deepEqual([...new Set(provider.keys)].sort(), [...keys].sort());
  // Where the receiver does not honour the key: what was under way at a kill, and not more.
  const repeats = provider.keys.length - people;
  t.diagnostic(`${repeats} of ${people} messages repeated by ${kills} kills`);
  assert.ok(repeats <= kills * PARTITIONS * 32, `${repeats} repeats`);
});
