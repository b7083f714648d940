// The log of a configuration: the embedded one, or a Kafka cluster.

import { join } from 'node:path';
import { type EmbeddedLog, openEmbeddedLog, openEmbeddedLogReadOnly } from '../../connectors/embedded-log/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Topology } from '../../topology/builder.ts';
import type { Log, LogAdmin } from '../../topology/ports.ts';
import { requiredTopics } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';
import { openKafka } from './open-kafka.ts';

/** Where the embedded log lies in the data folder. */
function logFolder(config: Config): string {
  return join(config.dataDir, 'log');
}

/** What the threads of a process read and write: an embedded log has one owner that they share. */
export type OpenedLog =
  | { readonly kind: 'embedded'; readonly log: EmbeddedLog }
  | { readonly kind: 'kafka'; readonly log: Log };

export async function openLog(config: Config, clock: Clock, logger: Logger): Promise<OpenedLog> {
  if (config.kafka !== null) return { kind: 'kafka', log: openKafka(config.kafka, config.application, clock) };
  const log = await openEmbeddedLog({ dir: logFolder(config), clock, fsync: config.log.fsync, logger });
  return { kind: 'embedded', log };
}

/** For a program beside the worker, which only reads. */
export async function openLogReadOnly(config: Config, clock: Clock): Promise<Log> {
  if (config.kafka !== null) return openKafka(config.kafka, config.application, clock);
  return openEmbeddedLogReadOnly({ dir: logFolder(config), clock });
}

/**
 * Makes the topics that are missing: of what the topology writes, its own, and in the embedded log those of sources.
 * Throws FatalError TRG_TOPIC_MISSING for a source that a Kafka cluster does not have: others fill it, and know how wide.
 */
export async function createTopics(admin: LogAdmin, topology: Topology, config: Config): Promise<void> {
  const existing = await admin.topics();
  const sources = config.sources.map(({ topic }) => {
    if (config.kafka !== null && !existing.has(topic)) {
      throw new FatalError('TRG_TOPIC_MISSING', `the source topic ${topic} does not exist; create it first`, { topic });
    }
    return { topic, partitions: existing.get(topic) ?? config.log.partitions };
  });
  const widest = Math.max(...sources.map(({ partitions }) => partitions));
  await admin.createTopics([...sources, ...requiredTopics(config.application, topology.subTopologies(), widest)]);
}
