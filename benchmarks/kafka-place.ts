// Where the benchmarks of workers on Kafka run: a cluster of one broker, a client of their own, and a folder.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaLog, openKafkaLog } from '../connectors/logs/kafka/index.ts';
import { systemClock } from '../lib/clock.ts';
import { type KafkaCluster, startKafka } from '../testing/kafka/cluster.ts';

export interface KafkaPlace {
  readonly root: string;
  readonly cluster: KafkaCluster;
  readonly log: KafkaLog;
  readonly scale: number;
}

/** Does `work` there, and leaves nothing behind. Needs Java and Maven. */
export async function onKafka<Result>(scale: number, work: (place: KafkaPlace) => Promise<Result>): Promise<Result> {
  const root = mkdtempSync(join(tmpdir(), 'tripline-bench-'));
  const cluster = await startKafka();
  // Without transactions: what it writes ahead is then nothing but events.
  const log = openKafkaLog({
    brokers: cluster.bootstrap,
    clientId: 'bench',
    clock: systemClock,
    guarantee: 'at_least_once',
  });
  try {
    return await work({ root, cluster, log, scale });
  } finally {
    await log.close();
    await cluster.stop();
    rmSync(root, { recursive: true, force: true });
  }
}
