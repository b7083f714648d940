// How fast one thread writes transactions to a Kafka cluster and reads them back.
//
// Measured: what log-load.ts says, with one broker beside it on the same machine, which takes its share of the cores.
// Not measured: replicas, a network, compression.

import { openKafkaLog } from '../connectors/logs/kafka/index.ts';
import { systemClock } from '../lib/clock.ts';
import { startKafka } from '../testing/kafka/cluster.ts';
import type { Figure } from './figure.ts';
import { measureLog } from './log-load.ts';

/** `scale` 1 writes and reads a million records. Needs Java and Maven. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const cluster = await startKafka();
  const log = openKafkaLog({ brokers: cluster.bootstrap, clientId: 'bench', clock: systemClock });
  try {
    return await measureLog('kafka', log, options.scale);
  } finally {
    await log.close();
    await cluster.stop();
  }
}
