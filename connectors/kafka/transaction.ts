// The requests of a transactional producer, one transaction after the other.
//
// Owns: producer id and epoch, sequences, what the open transaction holds. Does not own: what is written (writer.ts).
//
// Invariants:
//   T1. Requests to the transaction's coordinator follow each other. Produce goes to several brokers at once, beside the
//       positions, with one batch of a partition at a time, so that a batch sent again is recognised by its sequence.
//   T2. EndTxn is sent again only where the cluster says that it did nothing. Without an answer it may have worked:
//       RetryableError TRG_LOG_UNCLEAR_COMMIT.
//   T3. A producer is never renewed over a newer one: only open() takes the id from others.

import {
  type API,
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  initProducerIdV4,
  ProtocolError,
  txnOffsetCommitV3,
} from '@platformatic/kafka';
import { FatalError, RetryableError } from '../../lib/errors.ts';
import {
  type CommittedPosition,
  type MemberIdentity,
  partitionKey,
  type TopicPartition,
} from '../../topology/ports.ts';
import type { BatchBuilder } from './batch-encoder.ts';
import type { Cluster } from './cluster.ts';
import { isUnanswered } from './kafka-errors.ts';
import { TRANSACTION_TIMEOUT_MS } from './options.ts';
import { noteRequest } from './refusal.ts';
import { type ProducePart, produceApi } from './wire-requests.ts';

/** The batches of one partition, in order. */
export interface PartitionBatches extends TopicPartition {
  readonly builders: readonly BatchBuilder[];
}

interface Pending extends TopicPartition {
  readonly batches: { readonly bytes: Buffer; readonly count: number; readonly largest: number }[];
}

/** Sequences are 32-bit and start again at 0. */
const SEQUENCES = 2 ** 31;
/** No member of a group: the group only keeps positions. */
const NO_MEMBER: MemberIdentity = { memberId: '', generation: -1, instanceId: null };

export class TransactionalProducer {
  readonly #cluster: Cluster;
  readonly #id: string;
  #producerId = -1n;
  #epoch = -1;
  readonly #sequences = new Map<string, number>();
  /** What the open transaction was told to hold; empty when none is open. */
  readonly #partitions = new Set<string>();
  readonly #groups = new Set<string>();

  private constructor(cluster: Cluster, id: string) {
    this.#cluster = cluster;
    this.#id = id;
  }

  /** Ends whatever an earlier producer of this id left open, and fences it. */
  static async open(cluster: Cluster, id: string): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(cluster, id);
    await producer.#init(-1n, -1);
    return producer;
  }

  get isBegun(): boolean {
    return this.#partitions.size > 0 || this.#groups.size > 0;
  }

  /** A new epoch of the same producer. Throws FencedError when there is a newer one (T3). */
  async renew(): Promise<void> {
    await this.#init(this.#producerId, this.#epoch);
    this.#sequences.clear();
    this.#partitions.clear();
    this.#groups.clear();
  }

  /** Writes into the transaction. Returns the offsets after each partition's last record, by partition key. */
  async produce(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>> {
    await this.addPartitions(parts);
    const pending = parts.map((part) => this.#numbered(part));
    const ends = new Map<string, number>();
    for (;;) {
      const left = pending.filter(({ batches }) => batches.length > 0);
      if (left.length === 0) return ends;
      await this.#cluster.patiently('to write records', () => this.#produceRound(left, ends));
    }
  }

  /** Adds the group's positions to the transaction. Throws FencedError TRG_MEMBER_LOST for a member of the past. */
  async addPositions(
    group: string,
    positions: readonly CommittedPosition[],
    { generation, memberId, instanceId }: MemberIdentity = NO_MEMBER,
  ): Promise<void> {
    const cluster = this.#cluster;
    if (!this.#groups.has(group)) {
      await this.#askTransactions('to add positions', addOffsetsToTxnV3.api, this.#id, ...this.#identity, group);
      this.#groups.add(group);
    }
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      })),
    }));
    const request = [this.#id, group, ...this.#identity, generation, memberId, instanceId, topics] as const;
    const of = { kind: 'group', name: group, doing: 'to commit positions' } as const;
    await cluster.askCoordinator(of, txnOffsetCommitV3.api, ...request);
  }

  /** Commits or aborts; without an open transaction nothing happens. See T2. */
  async end(commit: boolean): Promise<void> {
    if (!this.isBegun) return;
    const doing = commit ? 'to commit' : 'to abort';
    const of = { kind: 'transaction', name: this.#id } as const;
    await this.#cluster.patiently(doing, async () => {
      const node = await this.#cluster.coordinator(of.kind, of.name);
      try {
        await this.#cluster.ask(node, endTxnV3.api, this.#id, ...this.#identity, commit);
      } catch (error) {
        this.#cluster.forgetCoordinator(of.kind, of.name);
        if (!isUnanswered(error)) throw error;
        throw new RetryableError('TRG_LOG_UNCLEAR_COMMIT', 'no answer to the end of a transaction', {}, error);
      }
    });
    this.#partitions.clear();
    this.#groups.clear();
  }

  get #identity(): readonly [bigint, number] {
    return [this.#producerId, this.#epoch];
  }

  async #init(producerId: bigint, epoch: number): Promise<void> {
    const timeout = this.#cluster.options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
    const answer = await this.#askTransactions(
      'to open a producer',
      initProducerIdV4.api,
      this.#id,
      timeout,
      producerId,
      epoch,
    );
    this.#producerId = answer.producerId;
    this.#epoch = answer.producerEpoch;
  }

  /** Tells the transaction which partitions it will hold, beginning it if need be. */
  async addPartitions(parts: readonly TopicPartition[]): Promise<void> {
    const added = parts.filter((part) => !this.#partitions.has(partitionKey(part)));
    if (added.length === 0) return;
    const topics = [...Map.groupBy(added, ({ topic }) => topic)].map(([name, ofTopic]) => {
      return { name, partitions: ofTopic.map(({ partition }) => partition) };
    });
    const [producerId, producerEpoch] = this.#identity;
    const transaction = { transactionalId: this.#id, producerId, producerEpoch, verifyOnly: false, topics };
    await this.#askTransactions('to add partitions', addPartitionsToTxnV3.api, [transaction]);
    for (const part of added) this.#partitions.add(partitionKey(part));
  }

  #askTransactions<Arguments extends unknown[], Answer>(
    doing: string,
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    return this.#cluster.askCoordinator({ kind: 'transaction', name: this.#id, doing }, api, ...args);
  }

  #numbered({ topic, partition, builders }: PartitionBatches): Pending {
    const key = partitionKey({ topic, partition });
    let sequence = this.#sequences.get(key) ?? 0;
    const batches = builders.map((builder) => {
      const bytes = builder.finish(this.#producerId, this.#epoch, sequence);
      sequence = (sequence + builder.count) % SEQUENCES;
      return { bytes, count: builder.count, largest: builder.largest };
    });
    this.#sequences.set(key, sequence);
    return { topic, partition, batches };
  }

  /** Sends the next batch of each partition. What was written is taken off `pending`, also when this throws. */
  async #produceRound(pending: readonly Pending[], ends: Map<string, number>): Promise<void> {
    const cluster = this.#cluster;
    const byLeader = new Map<number, Pending[]>();
    for (const each of pending) {
      if (each.batches.length === 0) continue;
      const { leader } = await cluster.partition(each);
      byLeader.set(leader.node, [...(byLeader.get(leader.node) ?? []), each]);
    }
    const results = await Promise.allSettled(
      [...byLeader].map(([node, ofNode]) => this.#produceTo(node, ofNode, ends)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    for (const { topic } of pending) cluster.forget(topic);
    throw failed.reason;
  }

  async #produceTo(node: number, pending: readonly Pending[], ends: Map<string, number>): Promise<void> {
    const parts: ProducePart[] = pending.map(({ topic, partition, batches }) => {
      return { topic, partition, batch: batches[0]!.bytes };
    });
    let failed: unknown;
    for (const answer of await this.#cluster.ask(node, produceApi, this.#id, parts)) {
      const done = pending.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition)!;
      if (answer.errorCode !== 0) failed = this.#refused(done, answer.errorCode);
      else ends.set(partitionKey(done), answer.baseOffset + done.batches.shift()!.count);
    }
    if (failed !== undefined) throw failed;
  }

  #refused({ topic, partition, batches }: Pending, errorCode: number): unknown {
    const [{ bytes, largest }] = batches as [Pending['batches'][number]];
    const error = new ProtocolError(errorCode);
    const isTooLarge = error.apiId === 'MESSAGE_TOO_LARGE' || error.apiId === 'RECORD_LIST_TOO_LARGE';
    if (!isTooLarge) return noteRequest(error, produceApi.key, { topic, transactionalId: this.#id });
    // Trying again would be refused again: only whoever keeps the topic can let it through, and nothing is lost till then.
    return new FatalError(
      'TRG_RECORD_TOO_LARGE',
      `topic ${topic} takes no batch of ${bytes.length} bytes, whose largest record has ${largest}: raise its ` +
        'max.message.bytes (`tripline topics apply` does so for topics of ours), then start again',
      { topic, partition, batchBytes: bytes.length, recordBytes: largest },
      error,
    );
  }
}
