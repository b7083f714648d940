// The log of a configuration: the embedded one, or a Kafka cluster.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedLog, openEmbeddedLog, openEmbeddedLogReadOnly } from '../../connectors/logs/embedded/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { Config } from '../config/index.ts';
import { openKafka } from './open-kafka.ts';

/** Where the embedded log lies in the data folder. */
export function logFolder(config: Config): string {
  return join(config.dataDir, 'log');
}

/** Where a task's database lies in the data folder. */
export function stateFolder(config: Config, taskId: string): string {
  return join(config.dataDir, 'state', taskId);
}

/** What the threads of a process read and write: an embedded log has one owner that they share. */
export type OpenedLog =
  | { readonly kind: 'embedded'; readonly log: EmbeddedLog }
  | { readonly kind: 'kafka'; readonly log: Log };

/** Throws FatalError TRG_LOG_LOCKED while another process has the embedded log open. */
export async function openLog(config: Config, clock: Clock, logger?: Logger): Promise<OpenedLog> {
  if (config.kafka !== null) return { kind: 'kafka', log: openKafka(config, clock) };
  const { fsync } = config.log;
  const options = { dir: logFolder(config), clock, fsync, ...(logger !== undefined && { logger }) };
  return { kind: 'embedded', log: await openEmbeddedLog(options) };
}

/** Whether there is a log: an embedded one that is opened for writing is made. */
export function hasLog(config: Config): boolean {
  return config.kafka !== null || existsSync(logFolder(config));
}

/** As openLog, but makes none. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
export async function openExistingLog(config: Config, clock: Clock): Promise<Log> {
  return hasLog(config) ? (await openLog(config, clock)).log : openLogReadOnly(config, clock);
}

/** For reading only, also while a worker has it open. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
export async function openLogReadOnly(config: Config, clock: Clock): Promise<Log> {
  if (config.kafka !== null) return openKafka(config, clock);
  return openEmbeddedLogReadOnly({ dir: logFolder(config), clock });
}
