// The shop example on a real cluster: the same decisions and actions as on the embedded log, also amid a broker's restart.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decisions as decisionsCommand } from '../../../apps/cli/commands/decisions.ts';
import { run as runCommand } from '../../../apps/cli/commands/run.ts';
import { runWorker } from '../../../apps/worker/worker.ts';
import { CHANNEL_IDS } from '../../../connectors/channels/index.ts';
import { readEvents } from '../../../connectors/sources/files/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/logger.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { decisionJson } from '../../../schemas/decision.ts';
import { actionCodec, decisionCodec } from '../../../schemas/framed.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { clusterOfFile, openLog } from '../../connectors/logs/kafka/kit.ts';
import { parsePrometheus, startWorker, sumOf } from '../../services/telemetry/kit.ts';
import { folderWith, run } from '../cli/kit.ts';

const cluster = await clusterOfFile();
const SHOP = fileURLToPath(new URL('../../../examples/shop/', import.meta.url));
const TOPIC = 'events.shop';
const PARTITIONS = 4;
/** Nothing new for so long is the end: several commit intervals. */
const QUIET_MS = 1_500;
/** Reading all of it on a busy machine, beside a broker that has just come back. */
const DONE_MS = 120_000;

interface Outcome {
  readonly decisions: readonly string[];
  readonly actions: readonly string[];
}

async function feed(log: Log): Promise<void> {
  const writer = await log.openWriter('feed');
  for await (const batch of readEvents(`${SHOP}events.csv.gz`, { mapping: `${SHOP}map.yaml` })) {
    writer.send(
      batch.map(({ json }) => {
        const key = Buffer.from(String(json!['userId']));
        const partition = partitionOf(key, PARTITIONS);
        const value = Buffer.from(JSON.stringify(json));
        return { topic: TOPIC, partition, timestamp: systemClock.now(), key, value, headers: [] };
      }),
    );
    await writer.commit('feed', []);
  }
  await writer.close();
}

async function outcomeOf(log: Log): Promise<Outcome> {
  const decisions: string[] = [];
  const actions: string[] = [];
  for await (const { value } of readTopic(log, 'tripline.decisions')) {
    decisions.push(JSON.stringify(decisionJson(decisionCodec.decode(value!))));
  }
  for (const channel of ['email', 'webhook']) {
    for await (const { value } of readTopic(log, `actions.${channel}`)) {
      actions.push(
        JSON.stringify(actionCodec.decode(value!), (_, each) => (typeof each === 'bigint' ? `${each}` : each)),
      );
    }
  }
  return { decisions: decisions.sort(), actions: actions.sort() };
}

/** The example run to its end, on the embedded log or on Kafka. */
async function runShop(t: TestContext, env: Record<string, string>, amid?: () => Promise<void>): Promise<Outcome> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tripline-shop-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { config: full } = loadConfig({
    file: 'tripline.yaml',
    folder: SHOP,
    env: { WEBHOOK_SECRET: 'whsec_dGVzdA==', WRITE_KEY: 'test', TRIPLINE_DATA_DIR: dataDir, ...env },
  });
  // Without connectors: what is sent is on the topics, and nobody is there to deliver to.
  const config = { ...full, channels: {}, http: null, deliveredElsewhere: CHANNEL_IDS };
  const stop = new AbortController();
  const running = Promise.withResolvers<Log>();
  const logger = createLogger('test', { write: () => {} });
  const worker = runWorker({ config, logger, beforeRunning: feed, onRunning: running.resolve }, stop.signal);
  await Promise.race([running.promise, worker]);
  const log = await running.promise;
  await amid?.();
  let outcome = await outcomeOf(log);
  let since = systemClock.now();
  const isQuiet = async (): Promise<boolean> => {
    const now = await outcomeOf(log);
    // Flows send long after they were decided on.
    const isNews = now.decisions.length !== outcome.decisions.length || now.actions.length !== outcome.actions.length;
    if (isNews) since = systemClock.now();
    outcome = now;
    return outcome.decisions.length > 0 && systemClock.now() - since >= QUIET_MS;
  };
  await until(isQuiet, { message: 'all is decided', deadlineMs: DONE_MS, seen: () => outcome.decisions.length });
  stop.abort();
  await worker;
  return outcome;
}

test('the shop gives the same decisions and actions on Kafka as on the embedded log', async (t) => {
  const embedded = await runShop(t, {});
  assert.ok(embedded.decisions.length > 100, `${embedded.decisions.length} decisions`);
  const log = openLog(t, cluster);
  await log.admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
  const broker = { TRIPLINE_KAFKA_BROKERS: cluster.bootstrap.join(',') };
  const onKafka = await runShop(t, broker, async () => {
    await cluster.kill(0);
    await cluster.restart(0);
  });
  assert.deepEqual(onKafka, embedded);
  const folder = folderWith(t, { 'tripline.yaml': `kafka: { brokers: ["${cluster.bootstrap[0]}"] }\n` });
  const { code, out } = await run(['decisions', '--json'], [decisionsCommand], folder);
  assert.equal(code, 0);
  assert.deepEqual(out.trimEnd().split('\n').sort(), onKafka.decisions);
});

test('a source topic that the cluster does not have ends the worker with its name', async (t) => {
  const folder = folderWith(t, {
    'tripline.yaml': `kafka: { brokers: ["${cluster.bootstrap[0]}"] }\nsources: [{ topic: nowhere, format: json }]\n`,
    'rules/rule.yaml': 'id: any\nwhen: { event: any }\n',
  });
  const { code, err } = await run(['run'], [runCommand], folder);
  assert.equal(code, 1);
  assert.match(err, /source topic nowhere does not exist/);
});

test('a worker of two threads is not ready while its broker is gone, live all along, and ready again after', async (t) => {
  await openLog(t, cluster).admin.createTopics([{ topic: 'events.watched', partitions: 2 }]);
  const worker = await startWorker(
    t,
    `application: watched\ntopics: { prefix: watched }\nthreads: 2\nkafka: { brokers: ["${cluster.bootstrap[0]}"] }`,
  );
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1' };
  assert.equal(await worker.post('/v1/track', purchase, { traceparent }), 200);
  await worker.receiver.untilReceived(1);
  assert.match(String(worker.receiver.received[0]!.headers['traceparent']), /^00-a{32}-[0-9a-f]{16}-01$/);
  const processed = async () =>
    sumOf(parsePrometheus((await worker.get('/metrics')).text), 'tripline_records_processed_total', 'events.watched');
  await until(async () => (await processed()) >= 1);
  await cluster.kill(0);
  await until(async () => (await worker.get('/health/ready')).status === 503);
  const { status, threads } = JSON.parse((await worker.get('/health/ready')).text) as {
    status: string;
    threads: readonly { state: string }[];
  };
  t.diagnostic(JSON.stringify(threads));
  assert.equal(status, 'not ready');
  assert.ok(threads.length > 0);
  assert.equal((await worker.get('/health/live')).status, 200);
  await cluster.restart(0);
  await until(async () => (await worker.get('/health/ready')).status === 200);
});
