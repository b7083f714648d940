// Writes the batches of one producer to the leaders of their partitions.
//
// Owns: sequences, sending again. Does not own: producer ids (transaction.ts, idempotent-producer.ts), what is written.
//
// Invariants:
//   B1. Several brokers at once, but one batch of a partition at a time, so that a batch sent again is recognised by its
//       sequence and written once.

import { ProtocolError } from '@platformatic/kafka';
import { assert } from '../../../lib/assert.ts';
import { FatalError } from '../../../lib/errors.ts';
import { partitionKey, type TopicPartition } from '../../../topology/engine/ports.ts';
import type { BatchBuilder } from './batch-encoder.ts';
import type { Cluster } from './cluster.ts';
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

export class BatchSender {
  readonly #cluster: Cluster;
  readonly #transactionalId: string | null;
  #producerId = -1n;
  #epoch = -1;
  readonly #sequences = new Map<string, number>();
  #isSending = false;

  /** `transactionalId`: null writes outside of transactions. */
  constructor(cluster: Cluster, transactionalId: string | null) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
  }

  get identity(): readonly [producerId: bigint, epoch: number] {
    return [this.#producerId, this.#epoch];
  }

  /** From now on as this producer, whose sequences start at 0. */
  become({ producerId, producerEpoch }: { producerId: bigint; producerEpoch: number }): void {
    this.#producerId = producerId;
    this.#epoch = producerEpoch;
    this.#sequences.clear();
  }

  /** Returns the offsets after each partition's last record, by partition key. After an error only become() helps. */
  async send(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>> {
    assert(!this.#isSending, 'batches of a partition go out one after the other (B1)');
    this.#isSending = true;
    try {
      return await this.#sendAll(parts);
    } finally {
      this.#isSending = false;
    }
  }

  async #sendAll(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>> {
    const pending = parts.map((part) => this.#numbered(part));
    const ends = new Map<string, number>();
    for (;;) {
      const left = pending.filter(({ batches }) => batches.length > 0);
      if (left.length === 0) return ends;
      await this.#cluster.patiently('to write records', () => this.#round(left, ends));
    }
  }

  #numbered({ topic, partition, builders }: PartitionBatches): Pending {
    const key = partitionKey({ topic, partition });
    let sequence = this.#sequences.get(key) ?? 0;
    const batches = builders.map((builder) => {
      const bytes = builder.finish(...this.identity, sequence, this.#transactionalId !== null);
      sequence = (sequence + builder.count) % SEQUENCES;
      return { bytes, count: builder.count, largest: builder.largest };
    });
    this.#sequences.set(key, sequence);
    return { topic, partition, batches };
  }

  /** Sends the next batch of each partition. What was written is taken off `pending`, also when this throws. */
  async #round(pending: readonly Pending[], ends: Map<string, number>): Promise<void> {
    const cluster = this.#cluster;
    const byLeader = new Map<number, Pending[]>();
    for (const each of pending) {
      if (each.batches.length === 0) continue;
      const { leader } = await cluster.partition(each);
      byLeader.set(leader.node, [...(byLeader.get(leader.node) ?? []), each]);
    }
    const results = await Promise.allSettled([...byLeader].map(([node, ofNode]) => this.#sendTo(node, ofNode, ends)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    for (const { topic } of pending) cluster.forget(topic);
    throw failed.reason;
  }

  async #sendTo(node: number, pending: readonly Pending[], ends: Map<string, number>): Promise<void> {
    const parts: ProducePart[] = pending.map(({ topic, partition, batches }) => {
      return { topic, partition, batch: batches[0]!.bytes };
    });
    let failed: unknown;
    for (const answer of await this.#cluster.ask(node, produceApi, this.#transactionalId, parts)) {
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
    if (!isTooLarge) return noteRequest(error, produceApi.key, { topic, transactionalId: this.#transactionalId });
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
