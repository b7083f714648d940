// What the injector has to know of the cluster: asked of the brokers themselves, past the proxies.

import { until } from '../../testing/until.ts';
import { kafkaClient } from './producer.ts';

/** Partitions of the cluster's topic of groups (testing/kafka/broker.ts). */
const GROUP_PARTITIONS = 4;
const GROUPS = '__consumer_offsets';
const IN_SYNC_MS = 60_000;

interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly isInSync: boolean;
}

/** The broker that coordinates a group: the leader of the partition in which the group is kept, as Kafka works it out. */
export async function coordinatorOf(brokers: readonly string[], group: string): Promise<number> {
  let hash = 0;
  for (const char of group) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
  const kept = (hash & 0x7fffffff) % GROUP_PARTITIONS;
  const all = await partitionsOf(brokers, [GROUPS]);
  return all.find(({ partition }) => partition === kept)!.leader;
}

/** Throws when replicas do not catch up. */
export async function untilInSync(brokers: readonly string[]): Promise<void> {
  let behind: readonly PartitionState[] = [];
  const isInSync = async (): Promise<boolean> => {
    behind = (await partitionsOf(brokers, [])).filter((partition) => !partition.isInSync);
    return behind.length === 0;
  };
  const seen = (): readonly string[] => behind.map(({ topic, partition }) => `${topic}/${partition}`);
  await until(isInSync, { message: 'no partition lacks replicas', deadlineMs: IN_SYNC_MS, seen });
}

/** No topics: all of them. */
async function partitionsOf(brokers: readonly string[], wanted: readonly string[]): Promise<PartitionState[]> {
  const admin = kafkaClient(brokers, 'chaos-admin').admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...wanted] });
    return topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionId: partition, leader, replicas, isr }) => {
        return { topic, partition, leader, isInSync: isr.length === replicas.length };
      }),
    );
  } finally {
    await admin.disconnect();
  }
}
