// Topics, offsets and committed positions of a cluster.

import {
  ConfigResourceTypes,
  createTopicsV7,
  deleteRecordsV2,
  describeConfigsV4,
  describeGroupsV5,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
  listOffsetsV7,
  offsetFetchV8,
} from '@platformatic/kafka';
import { FatalError } from '../../../lib/errors.ts';
import type {
  CommittedPosition,
  DescribedMember,
  LogAdmin,
  PartitionOffsets,
  PartitionPosition,
  TopicDrift,
  TopicPartition,
  TopicSpec,
} from '../../../topology/engine/ports.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import type { Cluster } from './cluster.ts';
import { decodeAssignment, decodeSubscription } from './group/consumer-protocol.ts';
import { errorNames } from './kafka-errors.ts';
import { settingsOf } from './topic-settings.ts';

/** So long brokers may take to make topics known to each other; a healthy cluster takes some hundred ms. */
const CREATE_TIMEOUT_MS = 10_000;
/** A purge that is not done by then is asked for again. */
const PURGE_TIMEOUT_MS = 10_000;
/** The cluster's own default. */
const DEFAULT_REPLICAS = -1;
const TOPIC = ConfigResourceTypes.TOPIC;
const { SET } = IncrementalAlterConfigOperationTypes;
const EARLIEST = -2n;
const LATEST = -1n;
const READ_UNCOMMITTED = 0;
/** What the user may do with the group is not asked for. */
const NO_OPERATIONS = false;
const STABLE = 'Stable';
const NOBODY = new Set(['Empty', 'Dead']);
export const READ_COMMITTED = 1;

export class KafkaAdmin implements LogAdmin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    return new Map((await this.#cluster.topics()).map(({ topic, leaders }) => [topic, leaders.length]));
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const missing = refuseMismatches(specs, await this.topics());
    if (missing.length === 0) return;
    await this.#cluster.patiently('to create topics', async () => {
      try {
        await this.#cluster.ask(null, createTopicsV7.api, missing.map(requestOf), CREATE_TIMEOUT_MS, false);
      } catch (error) {
        // Another worker may have been faster, or an unanswered attempt of ours.
        if (!errorNames(error).every((name) => name === 'TOPIC_ALREADY_EXISTS') || errorNames(error).length === 0) {
          throw error;
        }
        refuseMismatches(specs, await this.topics());
      }
    });
    for (const { topic, partitions } of missing) {
      for (let partition = 0; partition < partitions; partition++) await this.#isReady({ topic, partition });
    }
  }

  async drift(specs: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    const existing = await this.topics();
    const wanted = specs.filter(({ topic }) => existing.has(topic));
    if (wanted.length === 0) return [];
    const resources = wanted.map((spec) => {
      return {
        resourceType: TOPIC,
        resourceName: spec.topic,
        configurationKeys: settingsOf(spec).map(({ name }) => name),
      };
    });
    const { results } = await this.#cluster.patiently('to look at the settings of topics', () =>
      this.#cluster.ask(null, describeConfigsV4.api, resources, false, false),
    );
    const found = new Map(results.map(({ resourceName, configs }) => [resourceName, configs]));
    return wanted.flatMap((spec) =>
      settingsOf(spec).flatMap(({ name, value: wants }) => {
        const has = found.get(spec.topic)?.find((each) => each.name === name)?.value ?? '';
        return has === wants ? [] : [{ topic: spec.topic, setting: name, has, wants }];
      }),
    );
  }

  async mend(drift: readonly TopicDrift[]): Promise<void> {
    const resources = [...Map.groupBy(drift, ({ topic }) => topic)].map(([resourceName, ofTopic]) => ({
      resourceType: TOPIC,
      resourceName,
      configs: ofTopic.map(({ setting, wants }) => ({ name: setting, configOperation: SET, value: wants })),
    }));
    if (resources.length === 0) return;
    await this.#cluster.patiently('to change the settings of topics', () =>
      this.#cluster.ask(null, incrementalAlterConfigsV1.api, resources, false),
    );
  }

  async purge(positions: readonly PartitionPosition[]): Promise<void> {
    await this.#cluster.patiently(
      'to delete records that were read',
      async () => {
        const leaders = await Promise.all(positions.map((each) => this.#cluster.partition(each)));
        const byNode = Map.groupBy(positions, (_, i) => leaders[i]!.leader.node);
        for (const [node, ofNode] of byNode) {
          const topics = [...Map.groupBy(ofNode, ({ topic }) => topic)].map(([name, ofTopic]) => ({
            name,
            partitions: ofTopic.map(({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) })),
          }));
          await this.#cluster.ask(node, deleteRecordsV2.api, topics, PURGE_TIMEOUT_MS);
        }
      },
      () => {
        for (const { topic } of positions) this.#cluster.forget(topic);
      },
    );
  }

  async committed(
    group: string,
    partitions: readonly TopicPartition[],
    { unsettled = false }: { readonly unsettled?: boolean } = {},
  ): Promise<readonly (CommittedPosition | undefined)[]> {
    if (partitions.length === 0) return [];
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, ofTopic]) => {
      return { name, partitionIndexes: ofTopic.map(({ partition }) => partition) };
    });
    // "Stable": a transaction whose end is still being written is waited for, so that no position is taken twice.
    const { groups } = await this.#cluster.askCoordinator(
      { kind: 'group', name: group, doing: 'to read committed positions' },
      offsetFetchV8.api,
      [{ groupId: group, memberEpoch: -1, topics }],
      !unsettled,
    );
    const found = new Map<string, CommittedPosition>();
    for (const { name, partitions: ofTopic } of groups[0]!.topics) {
      for (const { partitionIndex: partition, committedOffset, metadata } of ofTopic) {
        const position = { topic: name, partition, offset: Number(committedOffset), metadata: metadata ?? '' };
        if (position.offset >= 0) found.set(partitionKey(position), position);
      }
    }
    return partitions.map((partition) => found.get(partitionKey(partition)));
  }

  async offsets(partition: TopicPartition): Promise<PartitionOffsets> {
    const [first, end, written] = await Promise.all([
      this.#offset(partition, EARLIEST, READ_COMMITTED),
      this.#offset(partition, LATEST, READ_COMMITTED),
      this.#offset(partition, LATEST, READ_UNCOMMITTED),
    ]);
    return { first, end, written };
  }

  async members(group: string): Promise<readonly DescribedMember[] | null> {
    const { groups } = await this.#cluster.askCoordinator(
      { kind: 'group', name: group, doing: 'to see the members of the group' },
      describeGroupsV5.api,
      [group],
      NO_OPERATIONS,
    );
    const { groupState, members } = groups[0]!;
    if (NOBODY.has(groupState)) return [];
    // While it deals out, a group says who is in it, but not what they said of themselves.
    if (groupState !== STABLE) return null;
    return members.map(({ memberId, memberMetadata, memberAssignment }) => ({
      memberId,
      note: decodeSubscription(memberMetadata).note,
      partitions: decodeAssignment(memberAssignment).partitions,
    }));
  }

  async #offset(of: TopicPartition, timestamp: bigint, isolation: number): Promise<number> {
    const { topic, partition } = of;
    const answer = await this.#cluster.patiently(
      `to read the offsets of ${partitionKey(of)}`,
      async () => {
        const { leader } = await this.#cluster.partition(of);
        const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }];
        return this.#cluster.ask(leader.node, listOffsetsV7.api, -1, isolation, [{ name: topic, partitions }]);
      },
      () => this.#cluster.forget(topic),
    );
    return Number(answer.topics[0]!.partitions[0]!.offset);
  }

  /** A topic is usable once its leaders say so themselves. */
  async #isReady(partition: TopicPartition): Promise<void> {
    const { clock } = this.#cluster.options;
    for (let waited = 0; ; waited += 50) {
      try {
        await this.offsets(partition);
        return;
      } catch (error) {
        const isNew = error instanceof FatalError && error.code === 'TRG_TOPIC_MISSING';
        if (!isNew || waited >= CREATE_TIMEOUT_MS) throw error;
        await clock.sleep(50);
      }
    }
  }
}

/** Those that do not exist. Throws when one exists with another partition count. */
function refuseMismatches(specs: readonly TopicSpec[], existing: ReadonlyMap<string, number>): readonly TopicSpec[] {
  for (const { topic, partitions } of specs) {
    const has = existing.get(topic);
    if (has === undefined || has === partitions) continue;
    throw new FatalError('TRG_TOPIC_MISMATCH', `topic ${topic} has ${has} partitions, not ${partitions}`, { topic });
  }
  return specs.filter(({ topic }) => !existing.has(topic));
}

function requestOf(spec: TopicSpec) {
  const { topic, partitions, replicationFactor = DEFAULT_REPLICAS } = spec;
  const configs = settingsOf(spec).map((setting) => ({ ...setting }));
  return { name: topic, numPartitions: partitions, replicationFactor, assignments: [], configs };
}
