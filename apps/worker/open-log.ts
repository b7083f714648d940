// The log of a configuration. Kafka is another implementation of the same ports, to be chosen here.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedLog, openEmbeddedLog, openEmbeddedLogReadOnly } from '../../connectors/embedded-log/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Topology } from '../../topology/builder.ts';
import type { Log, LogAdmin } from '../../topology/ports.ts';
import type { Config } from '../config/index.ts';
import { createMissing, planTopics } from '../topics/plan.ts';

/** Where the embedded log lies in the data folder. */
function logFolder(config: Config): string {
  return join(config.dataDir, 'log');
}

/** Where a task's database lies in the data folder. */
export function stateFolder(config: Config, taskId: string): string {
  return join(config.dataDir, 'state', taskId);
}

/** Throws FatalError TRG_LOG_LOCKED while another process has it open. */
export async function openLog(config: Config, clock: Clock, logger?: Logger): Promise<EmbeddedLog> {
  refuseKafka(config);
  const { fsync } = config.log;
  return openEmbeddedLog({ dir: logFolder(config), clock, fsync, ...(logger !== undefined && { logger }) });
}

/** Whether there is a log: one that is opened for writing is made. */
export function hasLog(config: Config): boolean {
  return config.kafka !== null || existsSync(logFolder(config));
}

/** As openLog, but makes none. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
export async function openExistingLog(config: Config, clock: Clock): Promise<Log> {
  return hasLog(config) ? openLog(config, clock) : openLogReadOnly(config, clock);
}

/** For reading only, also while a worker has it open. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
export async function openLogReadOnly(config: Config, clock: Clock): Promise<Log> {
  refuseKafka(config);
  return openEmbeddedLogReadOnly({ dir: logFolder(config), clock });
}

/** Makes the topics that are missing: of sources, of what the topology writes, and its own. */
export async function createTopics(admin: LogAdmin, topology: Topology, config: Config): Promise<void> {
  await createMissing(admin, planTopics(await admin.topics(), topology, config));
}

function refuseKafka(config: Config): void {
  if (config.kafka === null) return;
  throw new FatalError(
    'TRG_CONFIG_INVALID',
    'kafka is not available in this version: leave it out to run on the embedded log',
  );
}
