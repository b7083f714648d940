// What tests of Kafka share: one broker a file, logs on it, and a corner of it that looks like a log of its own.

import { after } from 'node:test';
import { type KafkaLog, type KafkaOptions, openKafkaLog } from '../../../../connectors/logs/kafka/index.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { type KafkaCluster, type StartOptions, startKafka } from '../../../../testing/kafka/cluster.ts';
import { until } from '../../../../testing/until.ts';
import { type Log, type LogWriter, partitionKey, type TopicPartition } from '../../../../topology/engine/ports.ts';
import type { Cleanup } from '../../../contract/log-kit.ts';

/** A cluster that stops with the test file. */
export async function clusterOfFile(options: StartOptions = {}): Promise<KafkaCluster> {
  const cluster = await startKafka(options);
  after(() => cluster.stop());
  return cluster;
}

export function openLog(t: Cleanup, cluster: KafkaCluster, options: Partial<KafkaOptions> = {}): KafkaLog {
  const log = openKafkaLog({ brokers: cluster.bootstrap, clientId: 'test', clock: systemClock, ...options });
  t.after(() => log.close());
  return log;
}

/** Moves only when told to, but a pause before another try to a real broker takes its real time. */
export class BrokerClock extends FakeClock implements Clock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms <= LONGEST_BACKOFF_MS ? systemClock.sleep(ms, signal) : super.sleep(ms, signal);
  }
}

const LONGEST_BACKOFF_MS = 200;

/**
 * The topics, groups and writers of `log` that begin with `prefix`, under their names without it. A commit resolves once
 * readers see it: the cluster shows a transaction a moment after its commit was answered.
 */
export function cornerOf(log: Log, prefix: string): Log {
  const inside = <Where extends { readonly topic: string }>(where: Where): Where => {
    return { ...where, topic: prefix + where.topic };
  };
  const outside = <Where extends { readonly topic: string }>(where: Where): Where => {
    return { ...where, topic: where.topic.slice(prefix.length) };
  };
  const { admin } = log;
  return {
    admin: {
      topics: async () => {
        const ours = [...(await admin.topics())].filter(([topic]) => topic.startsWith(prefix));
        return new Map(ours.map(([topic, count]) => [topic.slice(prefix.length), count]));
      },
      createTopics: (specs) => admin.createTopics(specs.map(inside)),
      committed: async (group, partitions) => {
        const found = await admin.committed(prefix + group, partitions.map(inside));
        return found.map((position) => position && outside(position));
      },
      offsets: (partition) => admin.offsets(inside(partition)),
    },
    openReader: () => {
      const reader = log.openReader();
      return {
        assign: (positions) => reader.assign(positions.map(inside)),
        read: async (options) => (await reader.read(options)).map(outside),
        pause: (partition) => reader.pause(inside(partition)),
        resume: (partition) => reader.resume(inside(partition)),
        close: () => reader.close(),
      };
    },
    openWriter: async (id) => {
      const writer = await log.openWriter(prefix + id);
      const cornered: LogWriter = {
        send: (records) => writer.send(Array.from(records, inside)),
        commit: async (group, positions) => {
          const ends = await writer.commit(prefix + group, positions.map(inside));
          await untilVisible(log, ends);
          return new Map([...ends].map(([key, end]) => [key.slice(prefix.length), end]));
        },
        abort: () => writer.abort(),
        close: () => writer.close(),
      };
      return cornered;
    },
    close: () => log.close(),
  };
}

/** Until readers see everything up to the ends, by partition key, that a commit returned. */
export async function untilVisible(log: Log, ends: ReadonlyMap<string, number>): Promise<void> {
  for (const [key, end] of ends) {
    const partition = partitionOfKey(key);
    await until(async () => (await log.admin.offsets(partition)).end > end, { message: `${key} is read up to ${end}` });
  }
}

/** Until so much has been written to partition 0, decided or not. */
export async function untilWritten(log: Log, topic: string, end: number): Promise<void> {
  const written = async (): Promise<number> => (await log.admin.offsets({ topic, partition: 0 })).written;
  await until(async () => (await written()) >= end, { message: `${topic} is written up to ${end}`, seen: written });
}

function partitionOfKey(key: string): TopicPartition {
  const slash = key.lastIndexOf('/');
  const partition = { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
  if (partitionKey(partition) !== key) throw new Error(`${key} is no partition`);
  return partition;
}
