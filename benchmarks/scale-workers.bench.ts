// How throughput grows with threads and processes, and what the broker pays for it.
//
// Measured: one or two threads in one process, and one thread in each of two and three processes of one group, exactly once,
// with the job "add_to_cart, no purchase in 24 hours" over shop events of about 400 bytes of 50,000 users in 12 partitions.
// The group shares out the tasks before there are events; the workers stand still while these are written, and the first
// tenth is left out. All of them, and one broker, share this machine: once its cores are busy more workers bring nothing,
// which is why the processor time of an event, the workers' and the broker's, is what tells how it grows on more machines.
// Of the first case also what an event leaves on the broker's disk, by kind of topic. Not measured: replicas, a network.

import { systemClock } from '../lib/clock.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';
import { topicBytes } from './broker-bytes.ts';
import { SHOP_NAMES } from './events.ts';
import type { Figure } from './figure.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { cpuSeconds } from './peers/usage.ts';
import { untilShared } from './shared-tasks.ts';
import { committedRecords, workerIn, writeAhead } from './worker-load.ts';

const EVENTS = 1_000_000;
const USERS = 50_000;
const PARTITIONS = 12;
/** Long enough that the deadlines of half the carts pass meanwhile. */
const SPAN_MS = 2 * 86_400_000;
const LOOK_MS = 20;
/** Of the events, before the clock is started. */
const WARM_UP = 0.1;

const CASES = [
  { processes: 1, threads: 1 },
  { processes: 1, threads: 2 },
  { processes: 2, threads: 1 },
  { processes: 3, threads: 1 },
] as const;
type Case = (typeof CASES)[number];

const RULE = `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h }
then: [{ send: { channel: webhook } }]
`;

/** `scale` 1 takes a million events in each case. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  return onKafka(scale, async (place) => {
    const figures: Figure[] = [];
    for (const each of CASES) {
      const { application, topic, events } = caseOf(each, scale);
      figures.push(...(await measureCase(each, place)));
      if (each === CASES[0]) figures.push(...(await measureBytes(application, topic, events, place)));
    }
    return figures;
  });
}

function caseOf({ processes, threads }: Case, scale: number) {
  const application = `workers-${processes}-${threads}`;
  return { application, topic: `events.${application}`, events: Math.max(1_000, Math.round(EVENTS * scale)) };
}

async function measureCase(each: Case, { root, cluster, log, scale }: KafkaPlace): Promise<Figure[]> {
  const { application, topic, events } = caseOf(each, scale);
  await log.admin.createTopics([{ topic, partitions: PARTITIONS }]);
  // So that nobody is taken for dead while it stands still.
  const config = { threads: each.threads, group: { sessionTimeout: '10m' } };
  const brokers = cluster.bootstrap;
  const workers = Array.from({ length: each.processes }, (_, number) =>
    workerIn(root, number, { application, topic, brokers, rules: RULE, config }),
  );
  for (const worker of workers) worker.start();
  try {
    await untilShared(workers, PARTITIONS / (each.processes * each.threads), each.threads);
    for (const worker of workers) worker.freeze();
    const startMs = systemClock.now() - SPAN_MS;
    await writeAhead(log, topic, PARTITIONS, { events, users: USERS, spanMs: SPAN_MS, startMs, names: SHOP_NAMES });
    const begun = looksNow(0, workers, cluster.pids);
    for (const worker of workers) worker.thaw();
    const look = async (share: number): Promise<Look> => {
      for (;;) {
        const done = await committedRecords(log, application, topic, PARTITIONS);
        if (done >= events * share) return looksNow(done, workers, cluster.pids);
        const gone = workers.find(({ isUp }) => !isUp);
        if (gone !== undefined) throw new Error(`a worker ended:\n${gone.logTail()}`);
        await systemClock.sleep(LOOK_MS);
      }
    };
    const warm = await look(WARM_UP);
    const ended = await look(1);
    // So few that they were done at the first look: then all there is to tell is what all of them took.
    const from = warm.records === ended.records ? begun : warm;
    const memory = workers.map((worker) => worker.peakMegabytes()).filter((megabytes) => megabytes !== null);
    return figuresOf(each, from, ended, memory);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** Where things stand: records committed, and seconds of processor time so far; null where the system does not tell. */
interface Look {
  readonly time: number;
  readonly records: number;
  readonly workers: number | null;
  readonly brokers: number | null;
}

function looksNow(records: number, workers: readonly WorkerProcess[], brokers: readonly number[]): Look {
  const sum = (pids: readonly (number | null)[]): number | null =>
    pids.reduce<number | null>((all, pid) => {
      const seconds = pid === null ? null : cpuSeconds(pid);
      return all === null || seconds === null ? null : all + seconds;
    }, 0);
  return { time: systemClock.now(), records, workers: sum(workers.map(({ pid }) => pid)), brokers: sum(brokers) };
}

function figuresOf(each: Case, from: Look, to: Look, memory: readonly number[]): Figure[] {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const threads = each.processes === 1 ? count(each.threads, 'thread') : `${each.threads} thread each`;
  const name = `kafka, ${count(each.processes, each.processes === 1 ? 'process' : 'processe')}, ${threads}`;
  const records = to.records - from.records;
  const perSecond = Math.round((records * 1_000) / Math.max(LOOK_MS, to.time - from.time));
  const nanoseconds = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : Math.max(1, Math.round(((after - before) * 1e9) / records));
  const unit = 'ns of processor time';
  const figures: { name: string; value: number | null; unit: string }[] = [
    { name, value: perSecond, unit: 'events/s' },
    { name: `${name}: an event, workers`, value: nanoseconds(from.workers, to.workers), unit },
    { name: `${name}: an event, broker`, value: nanoseconds(from.brokers, to.brokers), unit },
    { name: `${name}: peak memory of a process`, value: memory.length === 0 ? null : Math.max(...memory), unit: 'MB' },
  ];
  return figures.flatMap(({ value, ...rest }) => (value === null ? [] : [{ ...rest, value }]));
}

/** What an event left on the broker's disk, with the codecs that topics have by default. */
async function measureBytes(
  application: string,
  topic: string,
  events: number,
  { cluster, log }: KafkaPlace,
): Promise<Figure[]> {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    'as it comes in': [topic],
    'in the changelog, before it is compacted': [`${application}-entities-changelog`],
    'in the journal': [`${application}-journal`],
    'in decisions and actions': ['tripline.decisions', 'actions.webhook'],
  };
  const partitions = await log.admin.topics();
  const names = Object.values(kinds).flat();
  const bytes = await topicBytes(cluster.bootstrap, new Map(names.map((name) => [name, partitions.get(name) ?? 0])));
  return Object.entries(kinds).map(([kind, topics]) => {
    const sum = topics.reduce((all, name) => all + (bytes.get(name) ?? 0), 0);
    return { name: `kafka, an event ${kind}`, value: Math.max(1, Math.round(sum / events)), unit: 'bytes on disk' };
  });
}
