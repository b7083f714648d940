// The topics that a worker needs to start.

import { FatalError } from '../../lib/errors.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { LogAdmin } from '../../topology/engine/ports.ts';
import type { Config } from '../config/index.ts';
import { createMissing, planTopics, topicNeeds } from './plan.ts';

/**
 * Makes the topics that are missing: of what the topology writes, its own, and in the embedded log those of sources.
 * Throws FatalError TRG_TOPIC_MISSING for a source that a Kafka cluster does not have: others fill it, and know how wide;
 * TRG_LOG_DENIED for one that this user may not see.
 */
export async function createTopics(admin: LogAdmin, topology: Topology, config: Config): Promise<void> {
  const existing = await admin.topics();
  const missing = config.sources.find(({ topic }) => config.kafka !== null && !existing.has(topic));
  if (missing !== undefined) {
    const { topic } = missing;
    // To whom it may not be shown, a cluster's topic looks as if it did not exist: asked by name, the cluster says which.
    await admin.offsets({ topic, partition: 0 }).catch((error: unknown) => {
      if (!(error instanceof FatalError && error.code === 'TRG_TOPIC_MISSING')) throw error;
    });
    throw new FatalError('TRG_TOPIC_MISSING', `the source topic ${topic} does not exist; create it first`, { topic });
  }
  await createMissing(admin, planTopics(existing, topicNeeds(topology, config)));
}
