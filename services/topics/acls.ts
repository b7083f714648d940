// The rights that a principal needs on a cluster, for each of what Tripline does there: no more than these.
//
// Owns: the list, and how kafka-acls.sh is told of it. docs/security.md explains it; test/apps/worker/acls.test.ts runs
// with exactly these.

import type { SubTopology, Topology } from '../../topology/engine/builder.ts';
import { actionsTopic, commandsTopic, inboxTopic, publicTopics, repartitionTopic } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';
import { planTopics, topicNeeds } from './plan.ts';

/**
 * worker: `tripline run`. ingest: added to it where `http` takes events. topics: `tripline topics plan|apply`. operator: what
 * only reads. replay: `tripline dlq replay`, `tripline channels enable|disable|retry`, and `tripline flows cancel`. backtest:
 * `tripline backtest` over the source topics, which belongs to no group and writes nothing.
 */
export const ACL_ROLES = ['worker', 'ingest', 'topics', 'operator', 'replay', 'backtest'] as const;
export type AclRole = (typeof ACL_ROLES)[number];

/** Each implies Describe, but Create and DescribeConfigs do not. */
export type AclOperation = 'Read' | 'Write' | 'Delete' | 'Describe' | 'Create' | 'DescribeConfigs' | 'AlterConfigs';

export interface AclEntry {
  readonly role: AclRole;
  readonly resource: 'topic' | 'group' | 'transactional-id';
  readonly name: string;
  readonly isPrefix: boolean;
  readonly operations: readonly AclOperation[];
}

/** Topics of ours that others write to. */
function factsOf({ sources }: SubTopology): string[] {
  return sources.filter(({ made }) => made !== undefined).map(({ topic }) => topic);
}

/** Topics that are mirrored, with whether connectors write to them too. */
function tablesOf(topology: Topology): ReadonlyMap<string, boolean> {
  const parts = topology.subTopologies();
  const written = new Set(parts.flatMap(({ sinks }) => sinks.flatMap(({ topics }) => topics)));
  return new Map(parts.flatMap(({ tables }) => tables.map(({ topic }) => [topic, written.has(topic)])));
}

/** In the order of ACL_ROLES. */
export function aclsOf(topology: Topology, config: Config): readonly AclEntry[] {
  const {
    application,
    channels,
    topics: { prefix },
  } = config;
  const plan = planTopics(new Map(), topicNeeds(topology, config));
  const sources = plan.filter(({ kind }) => kind === 'source').map(({ topic }) => topic);
  const ours = plan.filter(({ kind }) => kind !== 'source');
  const delivered = Object.keys(channels).map((name) => actionsTopic(prefix, name));
  const entries: AclEntry[] = [];
  const add = (role: AclRole, resource: AclEntry['resource'], name: string, ...operations: AclOperation[]): void => {
    entries.push({ role, resource, name, isPrefix: resource === 'transactional-id', operations });
  };
  for (const topic of sources) add('worker', 'topic', topic, 'Read');
  const read = new Set(topology.subTopologies().flatMap((part) => part.sources.map(({ topic }) => topic)));
  const facts = new Set(topology.subTopologies().flatMap((part) => factsOf(part)));
  const written = new Set(topology.subTopologies().flatMap((part) => part.sinks.flatMap(({ topics }) => topics)));
  const tables = tablesOf(topology);
  for (const { topic, compacted } of ours) {
    if (tables.has(topic)) {
      add('worker', 'topic', topic, ...((tables.get(topic) ? ['Read', 'Write'] : ['Read']) satisfies AclOperation[]));
      continue;
    }
    if (facts.has(topic)) {
      const isWritten = written.has(topic);
      add('worker', 'topic', topic, 'Read', ...(isWritten ? (['Write'] as const) : []));
      continue;
    }
    const isRepartition = topic === repartitionTopic(application);
    const isRead = compacted === true || read.has(topic);
    // What was read of the repartition topic is deleted from it.
    const operations: AclOperation[] = isRepartition
      ? ['Read', 'Write', 'Delete']
      : isRead
        ? ['Read', 'Write']
        : ['Write'];
    add('worker', 'topic', topic, ...operations);
  }
  add('worker', 'group', application, 'Read');
  add('worker', 'transactional-id', `${application}-`, 'Write');
  for (const topic of sources) add('ingest', 'topic', topic, 'Write');
  // What is told over HTTP of people and of their inboxes.
  const told = [commandsTopic(application), inboxTopic(application)];
  for (const { topic } of ours) if (told.includes(topic)) add('ingest', 'topic', topic, 'Write');
  for (const topic of sources) add('topics', 'topic', topic, 'Describe');
  for (const { topic } of ours) add('topics', 'topic', topic, 'Create', 'Describe', 'DescribeConfigs', 'AlterConfigs');
  for (const { topic } of plan) add('operator', 'topic', topic, 'Read');
  add('operator', 'group', application, 'Describe');
  const home = [
    ...sources,
    ...delivered,
    ...ours.filter(({ topic }) => topic.endsWith('.dead-letter')).map(({ topic }) => topic),
  ];
  const switches = ours.filter(({ topic }) => topic === publicTopics(prefix).channels).map(({ topic }) => topic);
  for (const topic of [...home, ...switches]) add('replay', 'topic', topic, 'Read', 'Write');
  add('replay', 'topic', commandsTopic(application), 'Write');
  add('replay', 'transactional-id', `${application}-`, 'Write');
  for (const topic of sources) add('backtest', 'topic', topic, 'Read');
  return entries;
}

/** One line for a shell. */
export function aclCommand({ resource, name, isPrefix, operations }: AclEntry, principal: string): string {
  const words = ['kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN_CONFIG" --add'];
  words.push(`--allow-principal '${principal}'`, ...operations.map((operation) => `--operation ${operation}`));
  words.push(`--${resource} '${name}'`);
  if (isPrefix) words.push('--resource-pattern-type prefixed');
  return words.join(' ');
}
