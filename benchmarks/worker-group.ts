// Workers of one group on a backlog of events: how fast they take it, and what that costs them and the brokers.
//
// Owns: the job, sharing out the tasks before there are events, and the time from the first tenth to the end. Does not own:
// how many workers and partitions there are.

import { systemClock } from '../lib/clock.ts';
import { until } from '../testing/until.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';
import { repartitionTopic } from '../topology/topics.ts';
import { SHOP_NAMES } from './events.ts';
import type { Figure } from './figure.ts';
import type { KafkaPlace } from './kafka-place.ts';
import { cpuSeconds } from './peers/usage.ts';
import { untilShared } from './shared-tasks.ts';
import { committedRecords, endOf, workerIn, writeAhead } from './worker-load.ts';

export interface WorkerGroup {
  /** Also the prefix of its public topics. */
  readonly application: string;
  readonly topic: string;
  readonly partitions: number;
  readonly processes: number;
  /** In each process. */
  readonly threads: number;
  /** Whether the source is: then it has a task a partition, else two. */
  readonly keyed: boolean;
  readonly events: number;
  /** Names of the events with their weights; default SHOP_NAMES. */
  readonly names?: Readonly<Record<string, number>>;
  /** How long it is watched after its work is done, ms; 0: not at all. */
  readonly idleMs: number;
}

/** Null: the system does not tell, or nobody asked. */
export interface GroupReport {
  readonly eventsPerSecond: number;
  /** Processor time of an event, of all threads. */
  readonly workerNanoseconds: number | null;
  readonly brokerNanoseconds: number | null;
  /** Of the largest process. */
  readonly peakMegabytes: number | null;
  /** Processor time of the workers and the brokers in a second without events, ms. */
  readonly idleMilliseconds: number | null;
}

const USERS = 50_000;
/** Long enough that the deadlines of half the carts pass meanwhile. */
const SPAN_MS = 2 * 86_400_000;
const LOOK_MS = 20;
/** Far longer than any of the backlogs takes. */
const DONE_MS = 1_800_000;
/** Of the events, before the clock is started. */
const WARM_UP = 0.1;

const RULE = `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h }
then: [{ send: { channel: webhook } }]
`;

/** Where things stand: records committed, and seconds of processor time so far; null where the system does not tell. */
interface Look {
  readonly time: number;
  readonly records: number;
  readonly workers: number | null;
  readonly brokers: number | null;
}

/** Throws when a worker ends. */
export async function measureGroup(group: WorkerGroup, { root, cluster, log }: KafkaPlace): Promise<GroupReport> {
  const { application, topic, partitions, processes, threads, keyed, events, idleMs } = group;
  const { names = SHOP_NAMES } = group;
  await log.admin.createTopics([{ topic, partitions }]);
  const config = {
    threads,
    // What is sent stays on the topics, and the events are of another time.
    deliveredElsewhere: ['webhook', 'email', 'slack'],
    validFor: { operational: 'forever', marketing: 'forever' },
    sources: [{ topic, format: 'segment', keyed }],
    // Others, with another number of partitions, have their own public topics.
    topics: { prefix: application },
    // So that nobody is taken for dead while it stands still.
    group: { sessionTimeout: '10m' },
  };
  const common = { application, topic, brokers: cluster.bootstrap, rules: RULE, config };
  const workers = Array.from({ length: processes }, (_, number) => workerIn(root, number, common));
  for (const worker of workers) worker.start();
  try {
    await untilShared(workers, ((keyed ? 1 : 2) * partitions) / (processes * threads), threads);
    for (const worker of workers) worker.freeze();
    const startMs = systemClock.now() - SPAN_MS;
    await writeAhead(log, topic, partitions, { events, users: USERS, spanMs: SPAN_MS, startMs, names });
    const begun = lookNow(0, workers, cluster.pids);
    for (const worker of workers) worker.thaw();
    const look = async (of: string, share: number): Promise<Look> => {
      const bound = of === topic ? events * share : await endOf(log, of, partitions);
      let records = 0;
      const isDone = async (): Promise<Look | null> => {
        records = await committedRecords(log, application, of, partitions);
        if (records >= bound) return lookNow(of === topic ? records : events, workers, cluster.pids);
        const gone = workers.find(({ isUp }) => !isUp);
        if (gone !== undefined) throw new Error(`a worker ended:\n${gone.logTail()}`);
        return null;
      };
      const message = `${bound} records of ${of} are committed`;
      return until(isDone, { message, deadlineMs: DONE_MS, everyMs: LOOK_MS, seen: () => records });
    };
    const warm = await look(topic, WARM_UP);
    const read = await look(topic, 1);
    const ended = keyed ? read : await look(repartitionTopic(application), 1);
    // So few that they were done at the first look: then all there is to tell is what all of them took.
    const from = warm.records === ended.records ? begun : warm;
    const records = ended.records - from.records;
    const each = (seconds: number | null): number | null =>
      seconds && Math.max(1, Math.round((seconds * 1e9) / records));
    const memory = workers.map((worker) => worker.peakMegabytes()).filter((megabytes) => megabytes !== null);
    return {
      eventsPerSecond: Math.round((records * 1_000) / Math.max(LOOK_MS, ended.time - from.time)),
      workerNanoseconds: each(minus(ended.workers, from.workers)),
      brokerNanoseconds: each(minus(ended.brokers, from.brokers)),
      peakMegabytes: memory.length === 0 ? null : Math.max(...memory),
      idleMilliseconds: idleMs === 0 ? null : await idleCost(idleMs, workers, cluster.pids),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** What the system told of it, as figures under `name`. */
export function figuresOf(name: string, report: GroupReport): Figure[] {
  const unit = 'ns of processor time';
  const figures: { name: string; value: number | null; unit: string }[] = [
    { name, value: report.eventsPerSecond, unit: 'events/s' },
    { name: `${name}: an event, workers`, value: report.workerNanoseconds, unit },
    { name: `${name}: an event, broker`, value: report.brokerNanoseconds, unit },
    { name: `${name}: peak memory of a process`, value: report.peakMegabytes, unit: 'MB' },
    { name: `${name}: a second without events`, value: report.idleMilliseconds, unit: 'ms of processor time' },
  ];
  return figures.flatMap(({ value, ...rest }) => (value === null ? [] : [{ ...rest, value }]));
}

/** Of workers and brokers together, ms a second. */
async function idleCost(
  ms: number,
  workers: readonly WorkerProcess[],
  brokers: readonly number[],
): Promise<number | null> {
  const from = lookNow(0, workers, brokers);
  await systemClock.sleep(ms);
  const to = lookNow(0, workers, brokers);
  const [own, theirs] = [minus(to.workers, from.workers), minus(to.brokers, from.brokers)];
  return own === null || theirs === null
    ? null
    : Math.max(1, Math.round(((own + theirs) * 1e6) / (to.time - from.time)));
}

function lookNow(records: number, workers: readonly WorkerProcess[], brokers: readonly number[]): Look {
  const pids = workers.flatMap(({ pid }) => pid ?? []);
  return { time: systemClock.now(), records, workers: secondsOf(pids), brokers: secondsOf(brokers) };
}

function secondsOf(pids: readonly number[]): number | null {
  return pids.reduce<number | null>((sum, pid) => {
    const seconds = cpuSeconds(pid);
    return sum === null || seconds === null ? null : sum + seconds;
  }, 0);
}

function minus(to: number | null, from: number | null): number | null {
  return to === null || from === null ? null : to - from;
}
