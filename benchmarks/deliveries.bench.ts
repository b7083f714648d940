// How many webhook deliveries a second go through the delivery core, beside a bare loop of the same requests with undici.
//
// Measured: one engine thread on the embedded log with everything a worker has (outbox, guard with its tables, notes of attempts,
// signature), actions that lie ready in four partitions, a provider in a thread of its own on this machine; then the bare loop with
// as many requests under way at a time. Latency: from the action's record to the provider's answer, one action at a time.
// Not measured: other channels' formats, TLS, a provider that takes its time.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Agent, request } from 'undici';
import { openEmbeddedLog } from '../connectors/logs/embedded/index.ts';
import { systemClock } from '../lib/clock.ts';
import { Counters } from '../lib/counters.ts';
import { createLogger } from '../lib/logger.ts';
import { partitionOf } from '../lib/murmur2.ts';
import { actionCodec } from '../schemas/framed.ts';
import { type Config, loadConfig } from '../services/config/index.ts';
import { openDelivery } from '../services/job/delivery.ts';
import { jobOf } from '../services/job/job.ts';
import { loadProject } from '../services/project/load-project.ts';
import { LevelStore } from '../state/store/level-store.ts';
import { openEngine } from '../topology/engine/open-engine.ts';
import type { Log } from '../topology/engine/ports.ts';
import { requiredTopics } from '../topology/topics.ts';
import { benchAction } from './deliveries-load.ts';
import { elapsed, type Figure } from './figure.ts';

const ACTIONS = 20_000;
const LATENCY_ACTIONS = 300;
const PARTITIONS = 4;
/** What webhooks have: 32 for each partition. */
const CONCURRENCY = 32 * PARTITIONS;
const TOPIC = 'actions.webhook';

/** `scale` 1 delivers 20,000 actions. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-deliveries-bench-'));
  const provider = new Worker(new URL('./deliveries-provider.ts', import.meta.url));
  const port = await new Promise<number>((resolve) => provider.once('message', resolve));
  const url = `http://127.0.0.1:${port}/hook`;
  try {
    const count = Math.max(100, Math.round(ACTIONS * scale));
    const core = await throughCore(folder, url, count, Math.max(20, Math.round(LATENCY_ACTIONS * scale)));
    const bare = await bareLoop(url, count);
    return [
      { name: 'deliveries: webhook, through the core', value: Math.round(core.perSecond), unit: 'deliveries/s' },
      { name: 'deliveries: the same requests, bare undici', value: Math.round(bare), unit: 'requests/s' },
      { name: 'deliveries: core beside bare', value: Math.round((100 * core.perSecond) / bare), unit: '%' },
      { name: 'deliveries: action to answer, p50', value: Math.round(core.p50Ms * 10) / 10, unit: 'ms' },
      { name: 'deliveries: action to answer, p99', value: Math.round(core.p99Ms * 10) / 10, unit: 'ms' },
    ];
  } finally {
    provider.postMessage('stop');
    await provider.terminate();
    await rm(folder, { recursive: true, force: true });
  }
}

async function throughCore(folder: string, url: string, count: number, singles: number) {
  const config = configOf(folder, url);
  const log = await openEmbeddedLog({ dir: join(folder, 'log'), clock: systemClock, cleanEveryMs: 0 });
  const counters = new Counters();
  const logger = createLogger('bench', { write: () => {} });
  const project = loadProject({ paths: [], folder, config });
  const planned = jobOf(config, project, systemClock);
  await log.admin.createTopics([
    { topic: 'events.bench', partitions: PARTITIONS },
    ...requiredTopics('bench', planned.topology.subTopologies(), PARTITIONS),
  ]);
  await planned.close();
  const delivery = await openDelivery({ config, log, clock: systemClock, logger, counters, index: 0 });
  const job = jobOf(config, project, systemClock, { delivery });
  const engine = await openEngine({
    log,
    topology: job.topology,
    application: 'bench',
    clock: systemClock,
    counters,
    transactionalId: 'bench-0',
    openStore: (task) => LevelStore.open(join(folder, 'state', task)),
    outOfOrdernessMs: 5_000,
    commitInterval: { minMs: 5, maxMs: 100 },
  });
  try {
    const until = async (delivered: number): Promise<void> => {
      while (counters.total('delivery') < delivered) await engine.poll(5);
    };
    await append(log, 0, count);
    const { wall } = await elapsed(() => until(count));
    const latencies: number[] = [];
    for (let i = 0; i < singles; i++) {
      await append(log, count + i, 1);
      latencies.push((await elapsed(() => until(count + i + 1))).wall * 1_000);
    }
    latencies.sort((a, b) => a - b);
    const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)]!;
    return { perSecond: count / wall, p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    await engine.close();
    await job.close();
    await delivery?.close();
    await log.close();
  }
}

async function bareLoop(url: string, count: number): Promise<number> {
  const agent = new Agent({ allowH2: false });
  const body = JSON.stringify({ type: 'bench', timestamp: new Date(0), data: benchAction(0, 0).data });
  let next = 0;
  const one = async (): Promise<void> => {
    while (next++ < count) {
      const headers = { 'content-type': 'application/json', 'webhook-id': `a${next}` };
      const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body });
      await answer.body.dump();
    }
  };
  const { wall } = await elapsed(() => Promise.all(Array.from({ length: CONCURRENCY }, one)));
  await agent.destroy();
  return count / wall;
}

function configOf(folder: string, url: string): Config {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const env = {
    TRIPLINE_APPLICATION: 'bench',
    TRIPLINE_DATA_DIR: folder,
    TRIPLINE_ARCHIVE: 'off',
    TRIPLINE_CHANNELS_WEBHOOK_URL: url,
    TRIPLINE_CHANNELS_WEBHOOK_SECRET: secret,
    TRIPLINE_CHANNELS_WEBHOOK_ALLOW_PRIVATE: 'true',
  };
  return loadConfig({ env, folder }).config;
}

async function append(log: Log, from: number, count: number): Promise<void> {
  const writer = await log.openWriter('feed');
  for (let first = from; first < from + count; first += 1_000) {
    const length = Math.min(1_000, from + count - first);
    writer.send(
      Array.from({ length }, (_, i) => {
        const action = benchAction(first + i, Date.now());
        const key = Buffer.from(action.entity.id);
        const value = actionCodec.encode(action);
        return {
          topic: TOPIC,
          partition: partitionOf(key, PARTITIONS),
          timestamp: Date.now(),
          key,
          value,
          headers: [],
        };
      }),
    );
    await writer.commit('feed', []);
  }
  await writer.close();
}
