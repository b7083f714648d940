// How long a gigabyte of state is away: a disk that is lost, a worker that is killed without and with a standby.
//
// Measured, on Kafka, with one user in six partitions each three million times and a document of each in the changelog:
// - a worker alone that lost its disk: from its start until it runs, and how fast the changelog came back;
// - a second worker that joins: until it has half of the tasks, whose state it reads while the first one goes on;
// - the first worker killed (SIGKILL) under 500 events a second, with nobody's copy of its state, and, once both are back
//   with a standby of each task, killed again: the longest time without an action of one of its partitions. The group
//   notices a death when its session times out, which is ten seconds of it.
// One broker and this program are beside them on the same machine. Not measured: a network, replicas, a compacted changelog
// (here each document was written once).

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import { until } from '../testing/until.ts';
import type { LogLine, WorkerProcess } from '../testing/worker-process.ts';
import type { Log } from '../topology/engine/ports.ts';
import type { Figure } from './figure.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { LIVE_RULE, liveLoad, longestPause } from './live-load.ts';
import { untilShared } from './shared-tasks.ts';
import { committedRecords, workerIn, writeAhead } from './worker-load.ts';

/** About a gigabyte of documents. */
const USERS = 3_000_000;
const PARTITIONS = 6;
const EVENTS_PER_SECOND = 500;
const FIRES_EACH = 5;
/** The default; and the shortest that brokers allow, where it is only to be seen that all this runs. */
const SESSION_MS = 10_000;
const SHORT_SESSION_MS = 6_000;
const SHORT_SCALE = 0.01;
const HOUR_MS = 3_600_000;
const RUNNING_MS = 600_000;
/** Of load before the kill and after the recovery. */
const SETTLE_MS = 3_000;
const APPLICATION = 'failover';
const TOPIC = `events.${APPLICATION}`;
const RESTORED = 'state restored from its changelog';

const RULES = `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h }
---
${LIVE_RULE}`;

/** `scale` 1 has a gigabyte of state, and takes ten minutes. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  return onKafka(scale, async (place) => {
    const { log } = place;
    await log.admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
    const users = Math.max(1_000, Math.round(USERS * scale));
    const [first, second] = [workerOf(0, 0, place), workerOf(1, 0, place)];
    try {
      await fill(first, users, place);
      const figures = [...(await measureLostDisk(first)), ...(await measureJoining(first, second))];
      const bare = await measureKill('no standby', first, second, users, place);
      await second.stop();
      const [again, standby] = [workerOf(0, 1, place), workerOf(1, 1, place)];
      for (const worker of [again, standby]) worker.start();
      try {
        await untilShared([again, standby], PARTITIONS / 2, 1);
        return [...figures, ...bare, ...(await measureKill('a standby', again, standby, users, place))];
      } finally {
        await Promise.all([again.stop(), standby.stop()]);
      }
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  });
}

function sessionMs(scale: number): number {
  return scale < SHORT_SCALE ? SHORT_SESSION_MS : SESSION_MS;
}

function workerOf(number: number, standbyReplicas: number, { root, cluster, scale }: KafkaPlace): WorkerProcess {
  const config = { standbyReplicas, group: { sessionTimeout: `${sessionMs(scale)}ms` } };
  const common = { application: APPLICATION, topic: TOPIC, brokers: cluster.bootstrap, rules: RULES, config };
  return workerIn(root, number, common);
}

/** Everybody puts something into the cart, and the worker remembers it. */
async function fill(worker: WorkerProcess, users: number, { log }: KafkaPlace): Promise<void> {
  await writeAhead(log, TOPIC, PARTITIONS, {
    events: users,
    users,
    userOrder: 'scattered',
    startMs: systemClock.now() - HOUR_MS,
    spanMs: HOUR_MS / 2,
    names: { add_to_cart: 1 },
  });
  worker.start();
  const isFull = async (): Promise<boolean> => (await committedRecords(log, APPLICATION, TOPIC, PARTITIONS)) >= users;
  await untilOf(worker, 'everybody is remembered', isFull);
  await worker.stop();
}

async function measureLostDisk(worker: WorkerProcess): Promise<Figure[]> {
  const before = worker.log().length;
  rmSync(join(worker.folder, 'data', 'state'), { recursive: true });
  const began = systemClock.now();
  worker.start();
  await worker.untilRunning(RUNNING_MS);
  const ms = systemClock.now() - began;
  const restored = restoredOf(worker.log().slice(before));
  const name = 'kafka, a disk was lost';
  return [
    { name: `${name}: state`, value: atLeast1(restored.bytes / 2 ** 20), unit: 'MB' },
    { name: `${name}: until it runs`, value: ms, unit: 'ms' },
    { name: `${name}: restored`, value: Math.round((1_000 * restored.records) / restored.ms), unit: 'records/s' },
    { name: `${name}: restored`, value: atLeast1((1_000 * restored.bytes) / restored.ms / 2 ** 20), unit: 'MB/s' },
  ];
}

async function measureJoining(first: WorkerProcess, second: WorkerProcess): Promise<Figure[]> {
  const began = systemClock.now();
  second.start();
  await untilShared([first, second], PARTITIONS / 2, 1);
  return [{ name: 'kafka, a worker joins: until it has half', value: systemClock.now() - began, unit: 'ms' }];
}

/** Kills `first` under load; `second` takes over what it had. */
async function measureKill(
  kind: string,
  first: WorkerProcess,
  second: WorkerProcess,
  users: number,
  { log, cluster, scale }: KafkaPlace,
): Promise<Figure[]> {
  const load = {
    ...{ log, brokers: cluster.bootstrap, topic: TOPIC, partitions: PARTITIONS, users },
    ...{ eventsPerSecond: EVENTS_PER_SECOND, firesEach: FIRES_EACH },
  };
  const before = second.log().length;
  const over = new AbortController();
  const killing = (async () => {
    await systemClock.sleep(SETTLE_MS);
    await first.kill();
    const left = await positions(log);
    const goesOn = async (): Promise<boolean> => (await positions(log)).every((offset, i) => offset > left[i]!);
    await untilOf(second, 'every partition goes on', goesOn);
    await systemClock.sleep(SETTLE_MS);
  })().finally(() => over.abort());
  const [seen] = await Promise.all([liveLoad(load, over.signal), killing]);
  const name = `kafka, killed with ${kind}`;
  const restored = restoredOf(second.log().slice(before));
  return [
    { name: `${name}: session time-out`, value: sessionMs(scale), unit: 'ms' },
    { name: `${name}: longest pause of a partition`, value: longestPause(seen), unit: 'ms' },
    { name: `${name}: state read back`, value: atLeast1(restored.bytes / 2 ** 20), unit: 'MB' },
  ];
}

/** How far each partition has been committed. */
async function positions(log: Log): Promise<readonly number[]> {
  const all = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
  return (await log.admin.committed(APPLICATION, all, { unsettled: true })).map((position) => position?.offset ?? 0);
}

/** Throws when the worker ends, or takes too long. */
async function untilOf(worker: WorkerProcess, message: string, isTrue: () => Promise<boolean>): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    if (await isTrue()) return true;
    if (!worker.isUp) throw new Error(`the worker ended:\n${worker.logTail()}`);
    return false;
  };
  await until(isDone, { message, deadlineMs: RUNNING_MS, seen: () => worker.logTail() });
}

/** What the tasks' lines in a worker's log say together: they restore side by side. */
function restoredOf(lines: readonly LogLine[]): { records: number; bytes: number; ms: number } {
  const tasks = lines.filter(({ msg }) => msg === RESTORED) as unknown as readonly Restored[];
  if (tasks.length === 0) return { records: 0, bytes: 0, ms: 1 };
  const began = Math.min(...tasks.map(({ time, ms }) => time - ms));
  const ended = Math.max(...tasks.map(({ time }) => time));
  const sum = (of: (task: Restored) => number): number => tasks.reduce((all, task) => all + of(task), 0);
  return { records: sum(({ records }) => records), bytes: sum(({ bytes }) => bytes), ms: Math.max(1, ended - began) };
}

interface Restored {
  readonly time: number;
  readonly ms: number;
  readonly records: number;
  readonly bytes: number;
}

/** Whole, and at least 1: a figure of nothing says nothing. */
function atLeast1(value: number): number {
  return Math.max(1, Math.round(value));
}
