// A writer: collects records, writes them ahead when they are many, commits.
//
// Owns: collecting, and what is left usable after an error. Does not own: the requests (producer.ts).
//
// Invariants:
//   P1 to P4 of topology/engine/ports.ts, with transactions; without (`guarantee: at_least_once`) U1 to U3 of
//   idempotent-producer.ts. Readers may see a committed transaction a moment after commit() has returned: the
//   cluster then still writes the markers that make it visible.

import { AssertionError, assert } from '../../../lib/assert.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import {
  type CommittedPosition,
  type LogWriter,
  type MemberIdentity,
  partitionKey,
} from '../../../topology/engine/ports.ts';
import { BatchBuilder } from './batch-encoder.ts';
import type { PartitionBatches } from './batch-sender.ts';
import type { Cluster } from './cluster.ts';
import { closedError } from './connections.ts';
import type { Memberships } from './group/memberships.ts';
import { IdempotentProducer } from './idempotent-producer.ts';
import type { Producer } from './producer.ts';
import { TransactionalProducer } from './transaction.ts';

/** A batch is closed at this size: below the megabyte that brokers take by default, with room for a last record. */
const BATCH_BYTES = 512 * 1024;
/** Bytes of buffers kept for the batches to come. */
const SPARE_BYTES = 4 * 1024 * 1024;
/** What is collected beyond this is written ahead of the commit. */
const WRITE_AHEAD_BYTES = 4 * 1024 * 1024;
/** What brokers keep of a position's note by default. */
const METADATA_BYTES_MAX = 4_096;

interface Collected extends PartitionBatches {
  readonly builders: BatchBuilder[];
}

export class KafkaWriter implements LogWriter {
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  #collected = new Map<string, Collected>();
  #collectedBytes = 0;
  /** Of #collected, what was added to last. */
  #last: Collected | null = null;
  /** Of batches that were written: making and growing new ones at each commit is what most of the memory would go to. */
  #spare: Buffer[] = [];
  #spareBytes = 0;
  readonly #ends = new Map<string, number>();
  /** Everything written ahead, one after the other; never rejects. */
  #ahead: Promise<void> = Promise.resolve();
  #aheadError: unknown;
  #state: 'open' | 'failed' | 'closed' = 'open';

  readonly #onClose: () => void;

  private constructor(cluster: Cluster, producer: Producer, onClose: () => void) {
    this.#cluster = cluster;
    this.#onClose = onClose;
    this.#producer = producer;
  }

  static async open(
    cluster: Cluster,
    memberships: Memberships,
    transactionalId: string,
    onClose: () => void,
  ): Promise<KafkaWriter> {
    const producer =
      cluster.options.guarantee === 'at_least_once'
        ? await IdempotentProducer.open(cluster, memberships)
        : await TransactionalProducer.open(cluster, memberships, transactionalId);
    return new KafkaWriter(cluster, producer, onClose);
  }

  send(records: Iterable<NewRecord>): void {
    this.#assertUsable();
    for (const record of records) this.#collect(record);
    if (this.#collectedBytes >= WRITE_AHEAD_BYTES) this.#writeAhead();
  }

  async commit(
    group: string,
    positions: readonly CommittedPosition[],
    member?: MemberIdentity,
  ): Promise<ReadonlyMap<string, number>> {
    this.#assertUsable();
    for (const { metadata } of positions) {
      if (Buffer.byteLength(metadata) > METADATA_BYTES_MAX) throw new AssertionError('a note has at most 4 KB');
    }
    // The group is asked about a member only along with positions, and its next owner waits only for these.
    if (member !== undefined && this.#hasRecords) assert(positions.length > 0, 'a member writes along with positions');
    try {
      for (const partition of [...positions, ...this.#collected.values()]) await this.#cluster.partition(partition);
      await this.#ahead;
      await this.#producer.addPartitions([...this.#collected.values()]);
      const writing = [this.#flush(), positions.length > 0 && this.#producer.addPositions(group, positions, member)];
      // Both are awaited, whatever comes of one: nothing of this transaction may arrive after its end.
      const failed = (await Promise.allSettled(writing)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      // Nothing to commit: then only whether someone newer is there is asked (P3).
      if (this.#producer.isBegun) await this.#producer.end(true);
      else await this.#producer.confirm();
      const ends = new Map(this.#ends);
      this.#ends.clear();
      return ends;
    } catch (error) {
      await this.#fail(error);
      throw error;
    }
  }

  async abort(): Promise<void> {
    this.#assertUsable();
    this.#takeCollected();
    try {
      await this.#ahead;
      // A batch that failed leaves a gap in its partition's sequence: only a new epoch starts from none.
      const hasGap = this.#aheadError !== undefined;
      this.#aheadError = undefined;
      await this.#producer.end(false);
      if (hasGap) await this.#producer.renew();
      this.#ends.clear();
    } catch (error) {
      await this.#fail(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#onClose();
    await this.#ahead;
    // An open transaction would keep readers waiting until it times out.
    if (wasOpen) await this.#producer.end(false).catch(() => {});
  }

  get #hasRecords(): boolean {
    return this.#producer.isBegun || this.#collected.size > 0;
  }

  #assertUsable(): void {
    if (this.#state === 'closed') throw closedError();
    assert(this.#state === 'open', 'a writer whose commit failed is not used again (P4)');
  }

  #collect(record: NewRecord): void {
    const collected = this.#collectedOf(record);
    let builder = collected.builders.at(-1);
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (builder === undefined || builder.length + size > BATCH_BYTES) {
      builder = new BatchBuilder(this.#cluster.options.codecOf?.(record.topic) ?? 'none', this.#spareBuffer());
      collected.builders.push(builder);
    }
    const before = builder.length;
    builder.add(record);
    this.#collectedBytes += builder.length - before;
  }

  /** Records of one partition mostly come one after the other: a name is not made of topic and partition for each. */
  #collectedOf({ topic, partition }: NewRecord): Collected {
    const last = this.#last;
    if (last?.partition === partition && last.topic === topic) return last;
    const key = partitionKey({ topic, partition });
    let collected = this.#collected.get(key);
    if (collected === undefined) this.#collected.set(key, (collected = { topic, partition, builders: [] }));
    this.#last = collected;
    return collected;
  }

  #spareBuffer(): Buffer | undefined {
    const buffer = this.#spare.pop();
    this.#spareBytes -= buffer?.length ?? 0;
    return buffer;
  }

  #keepSpare(buffer: Buffer): void {
    if (this.#spareBytes + buffer.length > SPARE_BYTES) return;
    this.#spare.push(buffer);
    this.#spareBytes += buffer.length;
  }

  #takeCollected(): readonly Collected[] {
    const parts = [...this.#collected.values()];
    this.#collected = new Map();
    this.#collectedBytes = 0;
    this.#last = null;
    return parts;
  }

  #writeAhead(): void {
    const parts = this.#takeCollected();
    this.#ahead = this.#ahead.then(async () => {
      if (this.#aheadError !== undefined || this.#state === 'closed') return;
      try {
        for (const part of parts) await this.#cluster.partition(part);
        for (const [key, end] of await this.#producer.produce(parts)) this.#ends.set(key, end);
        for (const { builders } of parts) for (const { buffer } of builders) this.#keepSpare(buffer);
      } catch (error) {
        this.#aheadError = error;
      }
    });
  }

  async #flush(): Promise<void> {
    if (this.#collected.size > 0) this.#writeAhead();
    await this.#ahead;
    if (this.#state === 'closed') throw closedError();
    if (this.#aheadError !== undefined) throw this.#aheadError;
  }

  /** Nothing goes on with this writer (P4). What it began is aborted if the cluster can be asked, so that no reader waits. */
  async #fail(error: unknown): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'failed';
    this.#takeCollected();
    // A member that was lost has its producer still; one that was fenced, or not answered, has nothing to ask.
    const code = (error as { code?: unknown }).code;
    if (code !== 'TRG_LOG_FENCED' && code !== 'TRG_LOG_UNCLEAR_COMMIT' && code !== 'TRG_LOG_UNREACHABLE')
      await this.#producer.end(false).catch(() => {});
  }
}
