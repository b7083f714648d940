// The log of a configuration. Kafka is another implementation of the same ports, to be chosen here.

import { join } from 'node:path';
import { type EmbeddedLog, openEmbeddedLog } from '../../connectors/embedded-log/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Topology } from '../../topology/builder.ts';
import type { LogAdmin } from '../../topology/ports.ts';
import { requiredTopics } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';

/** Where the embedded log lies in the data folder. */
export function logFolder(config: Config): string {
  return join(config.dataDir, 'log');
}

export async function openLog(config: Config, clock: Clock, logger: Logger): Promise<EmbeddedLog> {
  if (config.kafka !== null) {
    throw new FatalError(
      'TRG_CONFIG_INVALID',
      'kafka is not available in this version: leave it out to run on the embedded log',
    );
  }
  return openEmbeddedLog({ dir: logFolder(config), clock, fsync: config.log.fsync, logger });
}

/** Makes the topics that are missing: of sources, of what the topology writes, and its own. */
export async function createTopics(admin: LogAdmin, topology: Topology, config: Config): Promise<void> {
  const existing = await admin.topics();
  const sources = config.sources.map(({ topic }) => {
    return { topic, partitions: existing.get(topic) ?? config.log.partitions };
  });
  const widest = Math.max(...sources.map(({ partitions }) => partitions));
  await admin.createTopics([...sources, ...requiredTopics(config.application, topology.subTopologies(), widest)]);
}
