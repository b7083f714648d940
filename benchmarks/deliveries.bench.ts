// How many deliveries a second go through the delivery core, beside a bare loop of the same messages with the same library: webhooks
// with undici, mail with nodemailer.
//
// Measured: one engine thread on the embedded log with everything a worker has (outbox, guard with its tables, notes of attempts,
// templates, signature), actions that lie ready in four partitions, a provider in a thread of its own on this machine; then the bare
// loop with as many messages under way at a time. Processor time: of the thread alone, so that what else the machine does tells less.
// Latency: from the action's record to the provider's answer, one action at a time.
// Not measured: other channels' formats, TLS, a provider that takes its time.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createTransport } from 'nodemailer';
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
import type { ProviderPorts } from './deliveries-provider.ts';
import { elapsed, type Figure } from './figure.ts';

const LATENCY_ACTIONS = 300;
const PARTITIONS = 4;
const FROM = 'Shop <hello@shop.test>';
const TEMPLATE = '---\nsubject: Order {{ data.order }}\n---\nOrder: {{ data.text }}\n';

/** A channel whose deliveries are measured. */
interface Measured {
  readonly channel: string;
  /** The library of the bare loop. */
  readonly library: string;
  readonly actions: number;
  /** Messages under way at a time, as the channel has it for each partition by default. */
  readonly concurrency: number;
  readonly template: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Sends one message without the core. */
  bare(): { send(number: number): Promise<unknown>; close(): unknown };
}

/** `scale` 1 delivers 20,000 webhooks and 5,000 mails. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const provider = new Worker(new URL('./deliveries-provider.ts', import.meta.url));
  const ports = await new Promise<ProviderPorts>((resolve) => provider.once('message', resolve));
  try {
    const figures: Figure[] = [];
    for (const measured of [webhook(ports.http), email(ports.smtp)]) {
      figures.push(...(await figuresOf(measured, scale)));
    }
    return figures;
  } finally {
    provider.postMessage('stop');
    await provider.terminate();
  }
}

async function figuresOf(measured: Measured, scale: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-deliveries-bench-'));
  const { channel, library } = measured;
  try {
    const count = Math.max(100, Math.round(measured.actions * scale));
    const core = await throughCore(folder, measured, count, Math.max(20, Math.round(LATENCY_ACTIONS * scale)));
    const bare = await bareLoop(measured, count);
    const figure = (what: string, value: number, unit: string): Figure => ({
      name: `deliveries, ${channel}: ${what}`,
      value: unit === 'ms' ? Math.round(value * 10) / 10 : Math.round(value),
      unit,
    });
    return [
      figure('through the core', core.perSecond, 'deliveries/s'),
      figure(`the same messages, bare ${library}`, bare.perSecond, 'messages/s'),
      figure('core beside bare', (100 * core.perSecond) / bare.perSecond, '%'),
      figure('processor time in the core', core.cpuUs, 'us/delivery'),
      figure(`processor time, bare ${library}`, bare.cpuUs, 'us/message'),
      figure('action to answer, p50', core.p50Ms, 'ms'),
      figure('action to answer, p99', core.p99Ms, 'ms'),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function throughCore(folder: string, measured: Measured, count: number, singles: number) {
  const config = await configOf(folder, measured);
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
    await append(log, measured, 0, count);
    const { wall, cpuUs } = await timed(() => until(count));
    const latencies: number[] = [];
    for (let i = 0; i < singles; i++) {
      await append(log, measured, count + i, 1);
      latencies.push((await elapsed(() => until(count + i + 1))).wall * 1_000);
    }
    const delivered = counters.by('delivery', 'outcome').get('delivered');
    if (delivered !== count + singles) throw new Error(`${delivered} of ${count + singles} messages were delivered`);
    latencies.sort((a, b) => a - b);
    const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)]!;
    return { perSecond: count / wall, cpuUs: cpuUs / count, p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    await engine.close();
    await job.close();
    await delivery?.close();
    await log.close();
  }
}

async function bareLoop(measured: Measured, count: number) {
  const bare = measured.bare();
  let next = 0;
  const one = async (): Promise<void> => {
    while (next++ < count) await bare.send(next);
  };
  const inFlight = measured.concurrency * PARTITIONS;
  const { wall, cpuUs } = await timed(() => Promise.all(Array.from({ length: inFlight }, one)));
  await bare.close();
  return { perSecond: count / wall, cpuUs: cpuUs / count };
}

/** Wall seconds, and processor microseconds of this thread. */
async function timed(work: () => Promise<unknown>): Promise<{ wall: number; cpuUs: number }> {
  const before = process.threadCpuUsage();
  const { wall } = await elapsed(work);
  const { user, system } = process.threadCpuUsage(before);
  return { wall, cpuUs: user + system };
}

function webhook(port: number): Measured {
  const url = `http://127.0.0.1:${port}/hook`;
  return {
    channel: 'webhook',
    library: 'undici',
    actions: 20_000,
    concurrency: 32,
    template: null,
    env: {
      TRIPLINE_CHANNELS_WEBHOOK_URL: url,
      TRIPLINE_CHANNELS_WEBHOOK_SECRET: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
      TRIPLINE_CHANNELS_WEBHOOK_ALLOW_PRIVATE: 'true',
    },
    bare() {
      const agent = new Agent({ allowH2: false });
      const body = JSON.stringify({ type: 'bench', timestamp: new Date(0), data: benchAction(0, 0).data });
      const send = async (number: number): Promise<void> => {
        const headers = { 'content-type': 'application/json', 'webhook-id': `a${number}` };
        const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body });
        await answer.body.dump();
      };
      return { send, close: () => agent.destroy() };
    },
  };
}

function email(port: number): Measured {
  const concurrency = 8;
  return {
    channel: 'email',
    library: 'nodemailer',
    actions: 5_000,
    concurrency,
    template: 'bench',
    env: {
      TRIPLINE_CHANNELS_EMAIL_HOST: '127.0.0.1',
      TRIPLINE_CHANNELS_EMAIL_PORT: String(port),
      TRIPLINE_CHANNELS_EMAIL_FROM: FROM,
      TRIPLINE_CHANNELS_EMAIL_CONCURRENCY: String(concurrency),
    },
    bare() {
      const transport = createTransport({ pool: true, host: '127.0.0.1', port, maxConnections: concurrency });
      const text = `Order: ${'x'.repeat(200)}`;
      const send = (number: number): Promise<unknown> =>
        transport.sendMail({ from: FROM, to: `user-${number}@shop.test`, subject: `Order ${number}`, text });
      return { send, close: () => transport.close() };
    },
  };
}

async function configOf(folder: string, { env }: Measured): Promise<Config> {
  await mkdir(join(folder, 'templates', 'bench'), { recursive: true });
  await writeFile(join(folder, 'templates', 'bench', 'email.liquid'), TEMPLATE);
  const common = {
    TRIPLINE_APPLICATION: 'bench',
    TRIPLINE_DATA_DIR: folder,
    TRIPLINE_ARCHIVE: 'off',
    TRIPLINE_TEMPLATES: './templates',
  };
  return loadConfig({ env: { ...common, ...env }, folder }).config;
}

async function append(log: Log, { channel, template }: Measured, from: number, count: number): Promise<void> {
  const writer = await log.openWriter('feed');
  for (let first = from; first < from + count; first += 1_000) {
    const length = Math.min(1_000, from + count - first);
    writer.send(
      Array.from({ length }, (_, i) => {
        const action = { ...benchAction(first + i, Date.now()), channel, template };
        const key = Buffer.from(action.entity.id);
        const value = actionCodec.encode(action);
        return {
          topic: `actions.${channel}`,
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
