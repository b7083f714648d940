// The requests of a transactional producer, one transaction after the other.
//
// Owns: producer id and epoch, what the open transaction holds. Does not own: writing batches (batch-sender.ts).
//
// Invariants:
//   T1. Requests to the transaction's coordinator follow each other. Records are written beside the positions.
//   T2. EndTxn is sent again only where the cluster says that it did nothing. Without an answer it may have worked:
//       RetryableError TRG_LOG_UNCLEAR_COMMIT.
//   T3. A producer is never renewed over a newer one: only open() takes the id from others.

import {
  type API,
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  initProducerIdV4,
  txnOffsetCommitV3,
} from '@platformatic/kafka';
import { assert } from '../../../lib/assert.ts';
import { RetryableError } from '../../../lib/errors.ts';
import {
  type CommittedPosition,
  type MemberIdentity,
  partitionKey,
  type TopicPartition,
} from '../../../topology/engine/ports.ts';
import { BatchSender, type PartitionBatches } from './batch-sender.ts';
import type { Cluster } from './cluster.ts';
import type { Memberships } from './group/memberships.ts';
import { isUnanswered } from './kafka-errors.ts';
import { TRANSACTION_TIMEOUT_MS } from './options.ts';
import { NO_MEMBER, type Producer, positionsByTopic } from './producer.ts';

export class TransactionalProducer implements Producer {
  readonly #cluster: Cluster;
  readonly #memberships: Memberships;
  readonly #id: string;
  readonly #sender: BatchSender;
  /** What the open transaction was told to hold; empty when none is open. */
  readonly #partitions = new Set<string>();
  readonly #groups = new Set<string>();

  private constructor(cluster: Cluster, memberships: Memberships, id: string) {
    this.#cluster = cluster;
    this.#memberships = memberships;
    this.#id = id;
    this.#sender = new BatchSender(cluster, id);
  }

  /** Ends whatever an earlier producer of this id left open, and fences it. */
  static async open(cluster: Cluster, memberships: Memberships, id: string): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(cluster, memberships, id);
    await producer.#init();
    return producer;
  }

  get isBegun(): boolean {
    return this.#partitions.size > 0 || this.#groups.size > 0;
  }

  /** A new epoch of the same producer. Throws FencedError when there is a newer one (T3). */
  async renew(): Promise<void> {
    await this.#init();
    this.#partitions.clear();
    this.#groups.clear();
  }

  confirm(): Promise<void> {
    return this.renew();
  }

  async produce(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>> {
    await this.addPartitions(parts);
    assert(
      parts.every((part) => this.#partitions.has(partitionKey(part))),
      'a transaction knows of a partition before it is written to (P1)',
    );
    return this.#sender.send(parts);
  }

  /** Adds the group's positions to the transaction. Throws FencedError TRG_MEMBER_LOST for a member of the past. */
  async addPositions(
    group: string,
    positions: readonly CommittedPosition[],
    member: MemberIdentity = NO_MEMBER,
  ): Promise<void> {
    const cluster = this.#cluster;
    if (!this.#groups.has(group)) {
      await this.#askTransactions('to add positions', addOffsetsToTxnV3.api, this.#id, ...this.#sender.identity, group);
      this.#groups.add(group);
    }
    const topics = positionsByTopic(positions);
    const of = { kind: 'group', name: group, doing: 'to commit positions' } as const;
    await this.#memberships.as(member, async ({ generation, memberId, instanceId }) => {
      const self = [...this.#sender.identity, generation, memberId, instanceId] as const;
      await cluster.askCoordinator(of, txnOffsetCommitV3.api, this.#id, group, ...self, topics);
    });
  }

  /** Commits or aborts; without an open transaction nothing happens. See T2. */
  async end(commit: boolean): Promise<void> {
    if (!this.isBegun) return;
    const doing = commit ? 'to commit' : 'to abort';
    const of = { kind: 'transaction', name: this.#id } as const;
    await this.#cluster.patiently(doing, async () => {
      const node = await this.#cluster.coordinator(of.kind, of.name);
      try {
        await this.#cluster.ask(node, endTxnV3.api, this.#id, ...this.#sender.identity, commit);
      } catch (error) {
        this.#cluster.forgetCoordinator(of.kind, of.name);
        if (!isUnanswered(error)) throw error;
        throw new RetryableError('TRG_LOG_UNCLEAR_COMMIT', 'no answer to the end of a transaction', {}, error);
      }
    });
    this.#partitions.clear();
    this.#groups.clear();
  }

  async #init(): Promise<void> {
    const timeout = this.#cluster.options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
    const answer = await this.#askTransactions(
      'to open a producer',
      initProducerIdV4.api,
      this.#id,
      timeout,
      ...this.#sender.identity,
    );
    this.#sender.become(answer);
  }

  /** Tells the transaction which partitions it will hold, beginning it if need be. */
  async addPartitions(parts: readonly TopicPartition[]): Promise<void> {
    const added = parts.filter((part) => !this.#partitions.has(partitionKey(part)));
    if (added.length === 0) return;
    const topics = [...Map.groupBy(added, ({ topic }) => topic)].map(([name, ofTopic]) => {
      return { name, partitions: ofTopic.map(({ partition }) => partition) };
    });
    const [producerId, producerEpoch] = this.#sender.identity;
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
}
