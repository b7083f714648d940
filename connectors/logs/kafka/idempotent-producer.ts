// The requests of a producer without transactions, for `guarantee: at_least_once`.
//
// Owns: the order of writing and committing.
//
// Invariants:
//   U1. Positions are committed once everything before them is written, never earlier: after a crash between the two, what
//       was written is written again, but nothing is left out.
//   U2. What recalls events as processed (options.isStateTopic) is written once all that came of them is, for the same
//       reason: an event read again is then left out as a duplicate only if its outputs are there.
//   U3. Of the ports' P1 to P4 only P4 holds, and of P2 the order: readers see records as soon as they are written, those
//       before a failed commit or an abort() too; and an older writer is not fenced, but its commits as a member of a
//       group that has gone on are refused.

import { initProducerIdV4, offsetCommitV8, offsetCommitV9 } from '@platformatic/kafka';
import type { CommittedPosition, MemberIdentity } from '../../../topology/engine/ports.ts';
import { BatchSender, type PartitionBatches } from './batch-sender.ts';
import type { Cluster } from './cluster.ts';
import type { Memberships } from './group/memberships.ts';
import { errorNames } from './kafka-errors.ts';
import { NO_MEMBER, type Producer, positionsByTopic } from './producer.ts';

/** Where there are no transactions, there is none to time out; the request has the field all the same. */
const NO_TIMEOUT_MS = 0;

interface Positions {
  readonly group: string;
  readonly positions: readonly CommittedPosition[];
  readonly member: MemberIdentity;
}

export class IdempotentProducer implements Producer {
  readonly #cluster: Cluster;
  readonly #memberships: Memberships;
  readonly #sender: BatchSender;
  #positions: Positions | null = null;

  private constructor(cluster: Cluster, memberships: Memberships) {
    this.#cluster = cluster;
    this.#memberships = memberships;
    this.#sender = new BatchSender(cluster, null);
  }

  static async open(cluster: Cluster, memberships: Memberships): Promise<IdempotentProducer> {
    const producer = new IdempotentProducer(cluster, memberships);
    await producer.renew();
    return producer;
  }

  get isBegun(): boolean {
    return this.#positions !== null;
  }

  async renew(): Promise<void> {
    const answer = await this.#cluster.patiently('to open a producer', () =>
      this.#cluster.ask(null, initProducerIdV4.api, null, NO_TIMEOUT_MS, -1n, -1),
    );
    this.#sender.become(answer);
    this.#positions = null;
  }

  async confirm(): Promise<void> {}

  async addPartitions(): Promise<void> {}

  async produce(parts: readonly PartitionBatches[]): Promise<ReadonlyMap<string, number>> {
    const { isStateTopic = () => false } = this.#cluster.options;
    const { state = [], outputs = [] } = Object.groupBy(parts, ({ topic }) =>
      isStateTopic(topic) ? 'state' : 'outputs',
    );
    const ends = await this.#sender.send(outputs);
    return new Map([...ends, ...(await this.#sender.send(state))]);
  }

  async addPositions(
    group: string,
    positions: readonly CommittedPosition[],
    member: MemberIdentity = NO_MEMBER,
  ): Promise<void> {
    this.#positions = { group, positions, member };
  }

  async end(commit: boolean): Promise<void> {
    const positions = this.#positions;
    this.#positions = null;
    if (positions === null || !commit) return;
    await this.#memberships.as(positions.member, (member) => this.#commit({ ...positions, member }));
  }

  async #commit({ group, positions, member }: Positions): Promise<void> {
    const request = [
      group,
      member.generation,
      member.memberId,
      member.instanceId,
      positionsByTopic(positions),
    ] as const;
    const of = { kind: 'group', name: group, doing: 'to commit positions' } as const;
    try {
      await this.#cluster.askCoordinator(of, offsetCommitV8.api, ...request);
    } catch (error) {
      // A member by the newer protocol (KIP-848) must use the newer version, which older clusters do not know.
      if (!errorNames((error as Error).cause).includes('UNSUPPORTED_VERSION')) throw error;
      await this.#cluster.askCoordinator(of, offsetCommitV9.api, ...request);
    }
  }
}
