// What a writer needs of a producer: with transactions (transaction.ts) or without (idempotent-producer.ts).

import type { CommittedPosition, MemberIdentity, TopicPartition } from '../../../topology/engine/ports.ts';
import type { PartitionBatches } from './batch-sender.ts';

export interface Producer {
  /** There is something to end. */
  readonly isBegun: boolean;
  /** Announces what is going to be written. */
  addPartitions(parts: readonly TopicPartition[]): Promise<void>;
  /** Returns the offsets after each partition's last record, by partition key. */
  produce(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>>;
  /** May be called beside produce(): the positions count only once end(true) has returned. */
  addPositions(group: string, positions: readonly CommittedPosition[], member?: MemberIdentity): Promise<void>;
  /** Commits or aborts; without anything begun nothing happens. */
  end(commit: boolean): Promise<void>;
  /** Starts anew after a batch that failed. */
  renew(): Promise<void>;
  /** Asks whether this producer may still write, where nothing was written. */
  confirm(): Promise<void>;
}

/** No member of a group: the group only keeps positions. */
export const NO_MEMBER: MemberIdentity = { memberId: '', generation: -1, instanceId: null };

/** As requests have them. */
export function positionsByTopic(positions: readonly CommittedPosition[]) {
  return [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }));
}
