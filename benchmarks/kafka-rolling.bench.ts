// What a rolling restart of three workers costs those who wait for actions.
//
// Measured: three workers, `bin/tripline run`, with a standby of each task, under 1,000 events a second in 6 partitions,
// stopped (SIGTERM) and started one after the other: the longest time in which no action of some partition could be read,
// though events came all the while, and how often workers took a new assignment. Once with names (static membership: the
// group keeps the tasks for the one that comes back) and once without (others take over). One broker and this program
// are beside them on the same machine.

import { systemClock } from '../lib/clock.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';
import type { Figure } from './figure.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { LIVE_RULE, liveLoad, longestPause, percentile } from './live-load.ts';
import { workerIn } from './worker-load.ts';

const WORKERS = 3;
const PARTITIONS = 6;
const EVENTS_PER_SECOND = 1_000;
const USERS = 10_000;
/** One event in five fires: about 33 actions a second in each partition. */
const FIRES_EACH = 5;
const RUNNING_MS = 180_000;
/** Between two restarts, at scale 1: tasks that others took over have moved back by then. */
const SETTLE_MS = 15_000;

/** `scale` 1 takes two minutes. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  return onKafka(scale, async (place) => [
    ...(await measureRestarts('named', place)),
    ...(await measureRestarts('nameless', place)),
  ]);
}

async function measureRestarts(
  kind: 'named' | 'nameless',
  { root, cluster, log, scale }: KafkaPlace,
): Promise<Figure[]> {
  const brokers = cluster.bootstrap;
  const application = `rolling-${kind}`;
  const topic = `events.${application}`;
  await log.admin.createTopics([{ topic, partitions: PARTITIONS }]);
  const workers = Array.from({ length: WORKERS }, (_, number) => {
    const group = kind === 'named' ? { instanceId: `worker-${number}` } : {};
    const config = { standbyReplicas: 1, group };
    return workerIn(root, number, { application, topic, brokers, rules: LIVE_RULE, config });
  });
  for (const worker of workers) worker.start();
  try {
    for (const worker of workers) await worker.untilRunning(RUNNING_MS);
    const settleMs = Math.max(1_000, SETTLE_MS * scale);
    await systemClock.sleep(settleMs);
    const load = {
      ...{ log, topic, partitions: PARTITIONS, users: USERS },
      ...{ eventsPerSecond: EVENTS_PER_SECOND, firesEach: FIRES_EACH },
    };
    const before = rebalances(workers);
    const over = new AbortController();
    const restarting = restartAll(workers, settleMs).finally(() => over.abort());
    const [seen] = await Promise.all([liveLoad(load, over.signal), restarting]);
    const latencies = seen.map(({ due, read }) => read - due).sort((a, b) => a - b);
    const name = `kafka, rolling restart of ${WORKERS} ${kind} workers`;
    return [
      { name: `${name}: longest pause of a partition`, value: longestPause(seen), unit: 'ms' },
      { name: `${name}: event to action, p50`, value: percentile(latencies, 0.5), unit: 'ms' },
      { name: `${name}: event to action, p99`, value: percentile(latencies, 0.99), unit: 'ms' },
      { name: `${name}: assignments taken by all workers`, value: rebalances(workers) - before, unit: 'times' },
    ];
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

async function restartAll(workers: readonly WorkerProcess[], settleMs: number): Promise<void> {
  for (const worker of workers) {
    await systemClock.sleep(settleMs);
    await worker.stop();
    worker.start();
    await worker.untilRunning(RUNNING_MS);
  }
  await systemClock.sleep(settleMs);
}

function rebalances(workers: readonly WorkerProcess[]): number {
  return workers.flatMap((worker) => worker.log()).filter(({ msg }) => msg === 'rebalanced').length;
}
