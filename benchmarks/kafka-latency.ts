// From event to action: what one worker adds at 2,000 events a second.

import type { Figure } from './figure.ts';
import type { KafkaPlace } from './kafka-place.ts';
import { LIVE_RULE, liveLoad, percentile } from './live-load.ts';
import { workerIn } from './worker-load.ts';

const EVENTS_PER_SECOND = 2_000;
const PARTITIONS = 4;
const USERS = 50_000;
const THREADS = 2;
/** One event in ten fires. */
const FIRES_EACH = 10;
const SECONDS = 60;
const WARM_UP_MS = 5_000;
const RUNNING_MS = 180_000;
const TOPIC = 'events.latency';

/** `scale` 1 takes a minute. */
export async function measureLatency({ root, cluster, log, scale }: KafkaPlace): Promise<Figure[]> {
  const brokers = cluster.bootstrap;
  await log.admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
  const config = { threads: THREADS };
  const worker = workerIn(root, 0, { application: 'latency', topic: TOPIC, brokers, rules: LIVE_RULE, config });
  worker.start();
  try {
    await worker.untilRunning(RUNNING_MS);
    const load = {
      ...{ log, brokers, topic: TOPIC, partitions: PARTITIONS, users: USERS },
      ...{ eventsPerSecond: EVENTS_PER_SECOND, firesEach: FIRES_EACH },
    };
    await liveLoad(load, AbortSignal.timeout(Math.ceil(WARM_UP_MS * Math.min(1, scale))));
    const seen = await liveLoad(load, AbortSignal.timeout(Math.max(1_000, 1_000 * SECONDS * scale)));
    const latencies = seen.map(({ due, read }) => read - due).sort((a, b) => a - b);
    const name = `kafka worker, exactly_once, ${EVENTS_PER_SECOND} events/s: event to action`;
    return [
      ...[0.5, 0.95, 0.99].map((share) => {
        return { name: `${name}, p${share * 100}`, value: percentile(latencies, share), unit: 'ms' };
      }),
      { name: `${name}, longest`, value: latencies.at(-1)!, unit: 'ms' },
    ];
  } finally {
    await worker.stop();
  }
}
