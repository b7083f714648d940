// Deletes from a cluster's repartition topic what the application has read and committed (TopicSpec.purged).
//
// Every worker does so; a record deleted twice is deleted once. A purge that fails is said and tried again: it costs disk,
// nothing else.

import type { Clock } from '../../lib/clock.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { LogAdmin } from '../../topology/engine/ports.ts';

const EVERY_MS = 60_000;

export interface PurgeOptions {
  readonly admin: LogAdmin;
  readonly group: string;
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Purges every minute until `signal` aborts. Never rejects. */
export async function keepPurging(options: PurgeOptions, signal: AbortSignal): Promise<void> {
  const { admin, topics, clock, logger } = options;
  if (admin.purge === undefined || topics.length === 0) return;
  for (;;) {
    await clock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    await purgeRead(options).catch((error: unknown) => {
      logger.warn({ topics, error: describeError(error) }, 'records that were read could not be deleted');
    });
  }
}

/** Deletes below the group's committed positions. */
export async function purgeRead({ admin, group, topics }: Omit<PurgeOptions, 'clock' | 'logger'>): Promise<void> {
  const counts = await admin.topics();
  const partitions = topics.flatMap((topic) =>
    Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  );
  const committed = await admin.committed(group, partitions, { unsettled: true });
  const read = committed.filter((position) => position !== undefined && position.offset > 0);
  await admin.purge!(read.map((position) => position!));
}
