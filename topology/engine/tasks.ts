// The tasks of a topology: one for each partition of each sub-topology.

import { FatalError } from '../../lib/errors.ts';
import type { SubTopology } from './builder.ts';
import { partitionKey, type TopicPartition } from './ports.ts';
import type { TaskInput } from './task.ts';
import { changelogTopic } from './topics.ts';

export interface TaskSpec {
  /** `${sub-topology}_${partition}`: names the task's database and its place in messages. */
  readonly id: string;
  readonly part: SubTopology;
  readonly partition: number;
  readonly inputs: readonly TaskInput[];
  /** Null without state. */
  readonly changelog: TopicPartition | null;
}

/** Throws FatalError TRG_TOPIC_MISSING, TRG_TOPIC_MISMATCH, TRG_TOPOLOGY_INVALID. */
export function tasksOf(
  parts: readonly SubTopology[],
  application: string,
  partitions: ReadonlyMap<string, number>,
): readonly TaskSpec[] {
  refuseSharedTopics(parts);
  return parts.flatMap((part) => {
    const changelog = part.store === null ? null : changelogTopic(application, part.name);
    const count = taskCount(part, partitions);
    if (changelog !== null) refuseGrowth(part, count, changelog, partitions);
    return Array.from({ length: count }, (_, partition) => ({
      id: taskId(part, partition),
      part,
      partition,
      inputs: taskInputs(part, partition, partitions),
      changelog: changelog === null ? null : { topic: changelog, partition },
    }));
  });
}

/** What a task reads. `partitions`: partition counts of all topics. */
export function taskInputs(
  { sources }: SubTopology,
  partition: number,
  partitions: ReadonlyMap<string, number>,
): readonly TaskInput[] {
  return sources.map(({ topic, upstream }) => ({
    topic,
    partition,
    upstream: upstream?.flatMap((name) => partitionsOf(name, partitions)) ?? null,
  }));
}

export function taskId(part: SubTopology, partition: number): string {
  return `${part.name}_${partition}`;
}

/**
 * How many tasks a sub-topology has: the partition count that its sources share.
 * Throws FatalError TRG_TOPIC_MISSING, TRG_TOPIC_MISMATCH.
 */
export function taskCount(part: SubTopology, partitions: ReadonlyMap<string, number>): number {
  const counts = part.sources.map(({ topic }) => {
    const count = partitions.get(topic);
    if (count === undefined) {
      throw new FatalError('TRG_TOPIC_MISSING', `topic ${topic} does not exist; create it first`, { topic });
    }
    return { topic, count };
  });
  const [first] = counts;
  for (const { topic, count } of counts) {
    if (count === first!.count) continue;
    throw new FatalError(
      'TRG_TOPIC_MISMATCH',
      `${first!.topic} has ${first!.count} partitions and ${topic} has ${count}: sources that feed the same tasks must ` +
        'have the same count; set `keyed: false` on one, or recreate it',
      { topic, partitions: count },
    );
  }
  return first!.count;
}

/** Partitions are dealt out by topic: a partition must say which task is meant. */
function refuseSharedTopics(parts: readonly SubTopology[]): void {
  const readers = new Map<string, SubTopology>();
  for (const part of parts) {
    for (const { topic } of part.sources) {
      const other = readers.get(topic);
      if (other !== undefined && other !== part) {
        throw new FatalError('TRG_TOPOLOGY_INVALID', `${topic} is read by "${other.name}" and by "${part.name}"`);
      }
      readers.set(topic, part);
    }
  }
}

/** With more partitions, entities would go to other tasks than those that remember them. */
function refuseGrowth(
  part: SubTopology,
  count: number,
  changelog: string,
  partitions: ReadonlyMap<string, number>,
): void {
  const before = partitions.get(changelog);
  if (before === undefined || before === count) return;
  const topics = part.sources.map(({ topic }) => topic).join(', ');
  throw new FatalError(
    'TRG_TOPIC_MISMATCH',
    `${topics} now has ${count} partitions, and the state kept in ${changelog} has ${before}: entities would be split ` +
      'from what is remembered of them. Set `keyed: false` on the source, or start a new application on it',
    { topic: changelog, partitions: before },
  );
}

function partitionsOf(topic: string, partitions: ReadonlyMap<string, number>): string[] {
  return Array.from({ length: partitions.get(topic) ?? 0 }, (_, partition) => partitionKey({ topic, partition }));
}
