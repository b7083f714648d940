// Writes the planned events when they are due, each partition on its own, with a client that is not ours.
//
// Invariants:
//   E1. Every event is written at least once, and the events of a partition in their order.
//   E2. An event is stamped anew for each attempt, and no attempt takes long: so it is on time, however long the cluster
//       takes to find new leaders. It may be in the log twice, then, with two times.
//   E3. No two events of a user are stamped the same.

import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../oracle/engine.ts';
import type { PlannedEvent } from './workload.ts';

export interface Produced {
  /** By messageId: how long after its event time the event surely was in the log, ms, at its first writing. */
  readonly delays: ReadonlyMap<string, number>;
}

const STEP_MS = 50;
/** At most so many of a partition in one request. */
const BATCH = 200;
const REQUEST_MS = 2_000;

/** Talks to the brokers directly. `retries`: of one request. */
export function kafkaClient(brokers: readonly string[], clientId: string, retries = 100): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    logLevel: logLevel.NOTHING,
    connectionTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries },
  });
}

/** Writes them all, for a run that began at `start`; resolves when the last is in the log. */
export async function produce(
  brokers: readonly string[],
  planned: readonly PlannedEvent[],
  start: number,
): Promise<Produced> {
  const producer = kafkaClient(brokers, 'chaos-producer', 1).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const delays = new Map<string, number>();
  const taken = new Set<string>();
  const stamp = (userId: string, time: number): number => {
    for (; taken.has(`${userId} ${time}`); time--);
    taken.add(`${userId} ${time}`);
    return time;
  };
  const write = async (due: readonly PlannedEvent[]): Promise<void> => {
    const { topic, partition } = due[0]!;
    const now = systemClock.now();
    const stamped = due.map(({ key, ageMs, event }) => ({
      key,
      event: { ...event, time: stamp(event.userId, now - ageMs) },
    }));
    const messages = stamped.map(({ key, event }) => {
      return { partition, key, value: messageOf(event), timestamp: String(event.time) };
    });
    await producer.send({ topic, messages, acks: -1, timeout: REQUEST_MS });
    const done = systemClock.now();
    for (const { event } of stamped) {
      if (!delays.has(event.messageId)) delays.set(event.messageId, done - event.time);
    }
  };
  const writePartition = async (ofPartition: readonly PlannedEvent[]): Promise<void> => {
    for (let next = 0; next < ofPartition.length; ) {
      const now = systemClock.now();
      const due = ofPartition.slice(next, next + BATCH).filter(({ writeAt }) => start + writeAt <= now);
      try {
        if (due.length > 0) await write(due);
        next += due.length;
      } catch {
        // No leader yet, or no answer: E2.
      }
      if (next < ofPartition.length) await systemClock.sleep(STEP_MS);
    }
  };
  try {
    const byPartition = Map.groupBy(planned, ({ topic, partition }) => `${topic}/${partition}`);
    await Promise.all([...byPartition.values()].map(writePartition));
  } finally {
    await producer.disconnect();
  }
  return { delays };
}
