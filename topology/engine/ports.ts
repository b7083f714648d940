// What the runtime needs from a log. `connectors/logs/embedded`, `connectors/logs/kafka` and `testing/memory-log` implement it.
//
// Owns: interfaces only. The contract suite is test/contract/log.suite.ts.
//
// Invariants every implementation keeps:
//   P1. A transaction (records of any partitions + offsets of one group) is visible whole or not at all; in a cluster
//       it may become so a moment after commit() has returned, and in one partition before another.
//   P2. Readers see only committed records, in offset order, each once per pass.
//   P3. A writer opened with a transactional id fences every earlier writer of that id: their commits throw FencedError
//       and write nothing.
//   P4. When commit() throws anything, the writer is unusable; whether the transaction took effect is learnt by reading
//       the committed offsets.

import type { LogRecord, NewRecord } from '../../schemas/record.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What one read brought of one partition. */
export interface FetchedPartition extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** Where the next read of this partition goes on: past `records`, and past anything a reader never sees. */
  readonly nextOffset: number;
  /**
   * First offset that was not there yet when this was read: `nextOffset >= endOffset` means read to its end. Records of
   * transactions that are still open lie before it: they cannot be read, but what they may bring is not past either (I3).
   */
  readonly endOffset: number;
}

export interface PartitionPosition extends TopicPartition {
  readonly offset: number;
}

/** A group's position in one partition: the next offset to be read, with a note of the group's own (at most 4 KB). */
export interface CommittedPosition extends PartitionPosition {
  readonly metadata: string;
}

export interface LogReader {
  /**
   * Replaces what this reader reads, and from where. An offset below the first kept one goes on at the first kept.
   * A read that is under way meanwhile brings nothing: the next one begins at the new positions.
   */
  assign(positions: readonly PartitionPosition[]): void;
  /**
   * Reads on. Every assigned partition that is not paused is in the answer, also when nothing new is there, so that the
   * caller learns that it has been read to its end. Waits up to `waitMs` (0: not at all) when nothing new is anywhere.
   * `maxBytes` bounds the answer as a whole, but a record larger than that still comes, alone.
   */
  read(options: { maxBytes: number; waitMs: number; signal?: AbortSignal }): Promise<readonly FetchedPartition[]>;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
  close(): Promise<void>;
}

export interface LogWriter {
  /**
   * Adds records to the open transaction, beginning one if need be; may write ahead, but nothing is visible yet. They are
   * gone through once; their bytes must stay as they are, the objects need not.
   */
  send(records: Iterable<NewRecord>): void;
  /**
   * Ends the transaction: all that was sent and the group's positions, atomically.
   * `member`: who commits; when the group has moved on without it, nothing is committed (FencedError TRG_MEMBER_LOST,
   * KIP-447). Then `positions` has those of every task that wrote, also unchanged ones: they are what the group checks,
   * and what a task's next owner waits for.
   * Returns, by `${topic}/${partition}`, the offset after the last record written there.
   * Throws FencedError (P3), RetryableError or FatalError; afterwards the writer is unusable (P4).
   */
  commit(
    group: string,
    positions: readonly CommittedPosition[],
    member?: MemberIdentity,
  ): Promise<ReadonlyMap<string, number>>;
  /** Drops what was sent. */
  abort(): Promise<void>;
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Keep only the latest record of each key; a record with a null value deletes its key. */
  readonly compacted?: boolean;
  /** Records older than this (by time of writing) may go; left out: kept for ever. */
  readonly retentionMs?: number;
  /** Records carry the time at which they were written, not the one they were given. */
  readonly stampedOnAppend?: boolean;
  /**
   * Its records keep the times they were given, and are deleted once its one reader has committed past them, by purge(),
   * where a log counts retention by those times; elsewhere `retentionMs` holds.
   */
  readonly purged?: boolean;
  /** So many copies, and so many that must have a record before it counts; left out: as the log does it. */
  readonly replicationFactor?: number;
  readonly minInSyncReplicas?: number;
  /** Largest batch that a log with such a bound takes, bytes. */
  readonly batchBytesMax?: number;
}

/** A setting of a topic that is not what its spec says. */
export interface TopicDrift {
  readonly topic: string;
  readonly setting: string;
  readonly has: string;
  readonly wants: string;
}

export interface PartitionOffsets {
  /** First offset kept. */
  readonly first: number;
  /** First offset not yet readable. */
  readonly end: number;
  /** First offset not yet written: beyond `end` while transactions are under way. */
  readonly written: number;
}

export interface LogAdmin {
  /** Topic name to partition count. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /** Creates what is missing. Throws FatalError TRG_TOPIC_MISMATCH when a topic exists with another partition count. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** How existing topics differ from their specs; of those that do not exist nothing. Left out where nothing can. */
  drift?(specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]>;
  /** Makes the settings as wanted. */
  mend?(drift: readonly TopicDrift[]): Promise<void>;
  /** Deletes records below the positions. Left out where retention does (TopicSpec.purged). */
  purge?(positions: readonly PartitionPosition[]): Promise<void>;
  /**
   * The group's committed positions, in the order asked for; undefined where it has none. A transaction under way that
   * holds one of them is waited for; with `unsettled` it is not, and what it may change is not known.
   */
  committed(
    group: string,
    partitions: readonly TopicPartition[],
    options?: { readonly unsettled?: boolean },
  ): Promise<readonly (CommittedPosition | undefined)[]>;
  /** Throws FatalError TRG_TOPIC_MISSING. */
  offsets(partition: TopicPartition): Promise<PartitionOffsets>;
  /**
   * The members of a group as of now; null while it deals out its partitions. By the protocol `consumer` nothing is to be seen of
   * them: there are none. Left out where one process has the log to itself.
   */
  members?(group: string): Promise<readonly DescribedMember[] | null>;
}

/** A member as its group shows it. */
export interface DescribedMember {
  readonly memberId: string;
  /** What it said of itself when it joined. */
  readonly note: Uint8Array;
  readonly partitions: readonly TopicPartition[];
}

/** Who commits, as of which generation of its group. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly generation: number;
  readonly instanceId: string | null;
}

/** A member as the group's leader sees it when it deals out partitions. */
export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** What it has not given up: nobody else may be given these before it has. */
  readonly owned: readonly TopicPartition[];
  /** What it said of itself when it joined. */
  readonly note: Uint8Array;
}

export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[];
  /** A message of the leader to this member. */
  readonly note: Uint8Array;
}

export interface GroupOptions {
  readonly group: string;
  /**
   * Left out: `classic`, where a member deals out the partitions. `consumer` (KIP-848): the brokers do, by range, so that
   * `assign` is not called, and notes and `heartbeatMs` are theirs.
   */
  readonly protocol?: 'classic' | 'consumer';
  /** A member that comes back under the same name takes its old place, without a rebalance (KIP-345). */
  readonly instanceId: string | null;
  /** Topics whose partitions are dealt out. */
  readonly topics: readonly string[];
  /** So long a member may be silent before it is thrown out, ms. */
  readonly sessionTimeoutMs: number;
  /** How often it is heard, ms: so late it may notice a rebalance. */
  readonly heartbeatMs: number;
  /** So long a rebalance waits for a member, ms. */
  readonly rebalanceTimeoutMs: number;
  /** Deals out partitions; runs in the member that the group made its leader. The answer has every member, by id. */
  readonly assign: (members: readonly JoinedMember[]) => Promise<ReadonlyMap<string, MemberAssignment>>;
  /** Called when `state` or `assignment` changed, but not from within join() and close(). */
  readonly onChange: () => void;
}

/**
 * joining: nothing may be committed until the group has answered. settled: `assignment` holds. summoned: the group
 * rebalances and waits for join(); until then the member may commit. failed: it is no member any more; see `error`.
 */
export type MemberState = 'joining' | 'settled' | 'summoned' | 'failed';

/** A member of a group that shares out partitions among those who are alive. */
export interface GroupMember {
  readonly state: MemberState;
  /** Null before the first assignment. */
  readonly identity: MemberIdentity | null;
  readonly assignment: MemberAssignment | null;
  /** FencedError when the group went on without it, FatalError for what time cannot mend; null unless failed. */
  readonly error: Error | null;
  /** Joins, or joins again: from now on `joining`. `owned` are the partitions that it has not given up. */
  join(owned: readonly TopicPartition[], note: Uint8Array): void;
  /** Stops; `leave`: the others take over at once instead of after the session's time-out. */
  close(options: { readonly leave: boolean }): Promise<void>;
}

/** A log: Kafka, the embedded one, or one in memory. */
export interface Log {
  readonly admin: LogAdmin;
  /** Bytes of a value that a writer may be given; left out: it is not known. A commit with a larger one may fail for good. */
  readonly recordBytesMax?: number;
  openReader(): LogReader;
  openWriter(transactionalId: string): Promise<LogWriter>;
  /** Left out where one process has the log to itself. The member is `joining` only once join() was called. */
  openMember?(options: GroupOptions): GroupMember;
  close(): Promise<void>;
}

export function partitionKey(partition: TopicPartition): string {
  return `${partition.topic}/${partition.partition}`;
}
