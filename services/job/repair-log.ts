// What is lost of a damaged embedded log, and going on without it.

import { type LogRepair, repairEmbeddedLog } from '../../connectors/logs/embedded/index.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Config } from '../config/index.ts';
import { logFolder } from './open-log.ts';

/**
 * `accept`: the loss is accepted, and the log brought to what can be relied on; otherwise nothing is changed. Events of the
 * configuration's sources stay wherever they are whole. Throws FatalError TRG_USAGE on a cluster, and as repairEmbeddedLog.
 */
export async function repairLog(config: Config, accept: boolean): Promise<LogRepair> {
  if (config.kafka !== null) {
    throw new FatalError('TRG_USAGE', 'the log of this configuration is a Kafka cluster, which mends itself');
  }
  const keeps = new Set(config.sources.map(({ topic }) => topic));
  return repairEmbeddedLog({ dir: logFolder(config), keeps, accept });
}
