// Which of the fetched records a reader that reads only what is committed may see.
//
// Owns: the aborted-transaction filter and control records, by the protocol's own algorithm. An answer names every aborted
// transaction that overlaps what it brings, also one whose marker comes in a later answer: nothing is kept between answers.
//
// Invariants:
//   A1. A record of an aborted transaction is never delivered, and one of a committed transaction always is, however often
//       the same producer does both in one answer.

import { type Batch, batchesIn, isAbortMarker } from './batch-decoder.ts';
import type { FetchedPart } from './wire-requests.ts';

export interface Visible {
  readonly batches: readonly Batch[];
  /** Where to fetch on: past all that was seen, delivered or not. */
  readonly position: number;
}

/** The batches of an answer to a fetch from `fromOffset`; the first may begin before it. */
export function visibleBatches(part: FetchedPart, fromOffset: number): Visible {
  const batches: Batch[] = [];
  const upcoming = [...part.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  let next = 0;
  // Producers within a transaction that will be aborted, as of the batch at hand.
  const aborting = new Set<bigint>();
  let position = fromOffset;
  for (const batch of batchesIn(part.batches)) {
    while (next < upcoming.length && upcoming[next]!.firstOffset <= batch.lastOffset) {
      aborting.add(upcoming[next++]!.producerId);
    }
    if (batch.isControl) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId);
    } else if (!(batch.isTransactional && aborting.has(batch.producerId))) {
      batches.push(batch);
    }
    position = Math.max(position, batch.lastOffset + 1);
  }
  return { batches, position };
}
