// How many events a second a worker with two threads takes from a Kafka cluster, and how soon an action can be read.
//
// Measured: `bin/tripline run` as a process of its own, with the job "add_to_cart, no purchase in 24 hours" over events
// of about 400 bytes of 50,000 users in 4 partitions, once with each guarantee; and, over events that come at 2,000 a
// second whatever becomes of them (open loop), the time from when an event was due to be sent until a client that reads
// committed records has the action. One broker and this program are beside it on the same machine. Events were
// written before the worker started, and the first tenth is left out: starting is not what is measured. Not measured:
// replicas, a network.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import type { KafkaCluster } from '../testing/kafka/cluster.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';
import { SHOP_NAMES } from './events.ts';
import type { Figure } from './figure.ts';
import { measureLatency } from './kafka-latency.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { committedRecords, endOf, workerIn, writeAhead } from './worker-load.ts';

const EVENTS = 1_000_000;
const USERS = 50_000;
const PARTITIONS = 4;
const THREADS = 2;
/** Long enough that the deadlines of half the carts pass meanwhile. */
const SPAN_MS = 2 * 86_400_000;
const RUNNING_MS = 180_000;
const LOOK_MS = 20;
/** Of the events, before the clock is started. */
const WARM_UP = 0.1;

const RULE = `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h }
then: [{ send: { channel: webhook } }]
`;

/** As a shop's events are, and only those that the rule has to remember. */
const MIXES = {
  'shop events': SHOP_NAMES,
  'carts and purchases only': { add_to_cart: 70, purchase: 30 },
} as const;

/** `scale` 1 takes a million events with each mix and guarantee. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  return onKafka(scale, async (place) => {
    const figures: Figure[] = [];
    for (const [mix, names] of Object.entries(MIXES)) figures.push(...(await measureMix(mix, names, place)));
    return [...figures, ...(await measureLatency(place))];
  });
}

async function measureMix(mix: string, names: Readonly<Record<string, number>>, bench: KafkaPlace): Promise<Figure[]> {
  const { log, scale } = bench;
  const topic = `events.${mix.replaceAll(' ', '-')}`;
  const events = Math.max(1_000, Math.round(EVENTS * scale));
  await log.admin.createTopics([{ topic, partitions: PARTITIONS }]);
  await writeAhead(log, topic, PARTITIONS, {
    events,
    users: USERS,
    spanMs: SPAN_MS,
    startMs: systemClock.now() - SPAN_MS,
    names,
  });
  const figures: Figure[] = [];
  for (const guarantee of ['at_least_once', 'exactly_once']) {
    const { perSecond, peakMegabytes } = await measureThroughput(topic, guarantee, bench);
    const name = `kafka worker, ${THREADS} threads, ${guarantee}, ${mix}`;
    figures.push({ name, value: perSecond, unit: 'events/s' });
    if (peakMegabytes !== null) figures.push({ name: `${name}: peak memory`, value: peakMegabytes, unit: 'MB' });
  }
  const restored = await measureRestore(topic, 'exactly_once', bench);
  figures.push({ name: `kafka worker, ${THREADS} threads, restore, ${mix}`, value: restored, unit: 'records/s' });
  return figures;
}

/** The worker that wrote it starts again without its disk: changelog records a second, of all its tasks together. */
async function measureRestore(topic: string, guarantee: string, { root, cluster }: KafkaPlace): Promise<number> {
  const worker = workerOf(topic, guarantee, root, cluster);
  const before = worker.log().length;
  rmSync(join(worker.folder, 'data', 'state'), { recursive: true });
  worker.start();
  try {
    await worker.untilRunning(RUNNING_MS);
    const restored = worker.log().slice(before);
    const tasks = restored.filter(({ msg }) => msg === 'state restored from its changelog') as unknown as Restored[];
    const began = Math.min(...tasks.map(({ time, ms }) => time - ms));
    const ended = Math.max(...tasks.map(({ time }) => time));
    const records = tasks.reduce((sum, each) => sum + each.records, 0);
    return Math.round((records * 1_000) / Math.max(1, ended - began));
  } finally {
    await worker.stop();
  }
}

/** A task's line in the worker's log. */
interface Restored {
  readonly time: number;
  readonly ms: number;
  readonly records: number;
}

function workerOf(topic: string, guarantee: string, root: string, cluster: KafkaCluster): WorkerProcess {
  const application = applicationOf(topic, guarantee);
  const config = { threads: THREADS, guarantee };
  return workerIn(root, 0, { application, topic, brokers: cluster.bootstrap, rules: RULE, config });
}

function applicationOf(topic: string, guarantee: string): string {
  return `${topic.slice('events.'.length)}-${guarantee.replaceAll('_', '-')}`;
}

async function measureThroughput(
  topic: string,
  guarantee: string,
  { root, cluster, log }: KafkaPlace,
): Promise<{ perSecond: number; peakMegabytes: number | null }> {
  const application = applicationOf(topic, guarantee);
  const worker = workerOf(topic, guarantee, root, cluster);
  const end = await endOf(log, topic, PARTITIONS);
  const done = (): Promise<number> => committedRecords(log, application, topic, PARTITIONS);
  worker.start();
  try {
    await worker.untilRunning(RUNNING_MS);
    const running = systemClock.now();
    const atStart = await until(worker, done, end * WARM_UP);
    const atEnd = await until(worker, done, end - PARTITIONS);
    const peakMegabytes = worker.peakMegabytes();
    // So few that they were done at the first look: then all there is to tell is how soon.
    const isSmall = atEnd.records === atStart.records;
    const seconds = (atEnd.time - (isSmall ? running : atStart.time)) / 1_000;
    const records = atEnd.records - (isSmall ? 0 : atStart.records);
    return { perSecond: Math.round(records / Math.max(seconds, LOOK_MS / 1_000)), peakMegabytes };
  } finally {
    await worker.stop();
  }
}

/** Throws when the worker ends before that. */
async function until(
  worker: WorkerProcess,
  done: () => Promise<number>,
  bound: number,
): Promise<{ time: number; records: number }> {
  for (;;) {
    const records = await done();
    if (records >= bound) return { time: systemClock.now(), records };
    if (!worker.isUp) throw new Error(`the worker ended:\n${worker.logTail()}`);
    await systemClock.sleep(LOOK_MS);
  }
}
