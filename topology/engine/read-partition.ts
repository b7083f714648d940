// Reads what is committed of one partition, a page at a time: for whoever looks at a log and is no task.
//
// Invariants:
//   R1. Memory holds one page (`pageBytes`), however long the partition is (I8).

import type { LogRecord } from '../../schemas/record.ts';
import type { Log, TopicPartition } from './ports.ts';

/** Enough that a request pays, little enough to hold (R1). */
const READ_BYTES = 4 * 1024 * 1024;

export interface OffsetRange {
  /** First offset; left out, or before the first one kept: that one. */
  readonly from?: number;
  /** Offset to stop before; left out: the end as of the first page. */
  readonly to?: number;
  /** Of a page, about; for whoever reads many partitions at a time. Left out: 4 MB. */
  readonly pageBytes?: number;
}

/**
 * The records of the partition that are committed when the first page is asked for, as many at a time as one read brings.
 * Throws FatalError TRG_TOPIC_MISSING.
 */
export async function* readPartition(
  log: Log,
  place: TopicPartition,
  { from = 0, to = Infinity, pageBytes = READ_BYTES }: OffsetRange = {},
): AsyncGenerator<readonly LogRecord[]> {
  const offsets = await log.admin.offsets(place);
  const end = Math.min(to, offsets.end);
  const reader = log.openReader();
  try {
    const start = Math.max(from, offsets.first);
    reader.assign([{ ...place, offset: start }]);
    for (let offset = start; offset < end; ) {
      const [fetched] = await reader.read({ maxBytes: pageBytes, waitMs: 0 });
      if (fetched === undefined) return;
      yield fetched.nextOffset <= end ? fetched.records : fetched.records.filter((record) => record.offset < end);
      offset = fetched.nextOffset;
    }
  } finally {
    await reader.close();
  }
}
