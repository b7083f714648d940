// Writes the planned events when they are due, each partition on its own, with a client that is not ours.
//
// Invariants:
//   E1. Every event is written at least once, and the events of a partition in their order; an event may be written twice
//       when an answer was lost.

import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../oracle/engine.ts';
import type { PlannedEvent } from './workload.ts';

export interface Produced {
  /** By messageId: how long after its event time the event surely was in the log, ms. */
  readonly delays: ReadonlyMap<string, number>;
}

const STEP_MS = 50;
/** At most so many of a partition in one request. */
const BATCH = 200;

/** A client that goes on whatever the cluster does. Talks to the brokers directly. */
export function kafkaClient(brokers: readonly string[], clientId: string): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 200 },
  });
}

/** Writes them all, for a run that began at `start`; resolves when the last is in the log. */
export async function produce(
  brokers: readonly string[],
  planned: readonly PlannedEvent[],
  start: number,
): Promise<Produced> {
  const producer = kafkaClient(brokers, 'chaos-producer').producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const delays = new Map<string, number>();
  const byPartition = Map.groupBy(planned, ({ topic, partition }) => `${topic}/${partition}`);
  const writePartition = async (ofPartition: readonly PlannedEvent[]): Promise<void> => {
    for (let next = 0; next < ofPartition.length; ) {
      const now = systemClock.now();
      const due = ofPartition.slice(next, next + BATCH).filter(({ writeAt }) => start + writeAt <= now);
      if (due.length === 0) {
        await systemClock.sleep(STEP_MS);
        continue;
      }
      const { topic, partition } = due[0]!;
      const messages = due.map(({ key, event }) => ({
        partition,
        key,
        value: messageOf(event),
        timestamp: String(event.time),
      }));
      await producer.send({ topic, messages, acks: -1, timeout: 5_000 });
      const done = systemClock.now();
      for (const { event } of due) {
        // The first writing counts: a repetition that comes late is a duplicate.
        if (!delays.has(event.messageId)) delays.set(event.messageId, done - event.time);
      }
      next += due.length;
    }
  };
  try {
    await Promise.all([...byPartition.values()].map(writePartition));
  } finally {
    await producer.disconnect();
  }
  return { delays };
}
