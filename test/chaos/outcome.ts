// What came out of a chaos run, read by a client that is not ours, committed records only.
//
// Owns: reading to the end, which is a record of the reader's own at the end of each partition: where a partition ends
// cannot be told from its offsets, since markers of transactions take some.

import { randomUUID } from 'node:crypto';
import { Partitioners } from 'kafkajs';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import { actionCodec, decisionCodec, type Late, lateCodec } from '../../schemas/framed.ts';
import { until } from '../../testing/until.ts';
import { kafkaClient } from './producer.ts';

export interface Outcome {
  readonly decisions: readonly Decision[];
  readonly actions: readonly Action[];
  readonly late: readonly Late[];
  /** How many. */
  readonly deadLetters: number;
}

const TOPICS = ['tripline.decisions', 'actions.webhook', 'tripline.late', 'tripline.dead-letter'] as const;
const END = 'end-of-chaos';
/** A transaction left behind by a killed worker keeps readers waiting until it times out. */
const READ_MS = 90_000;

/** Reads all that is committed; call it when nobody writes any more. Throws when that takes too long. */
export async function readOutcome(brokers: readonly string[]): Promise<Outcome> {
  const byTopic = await readToEnd(brokers, TOPICS);
  const valuesOf = (topic: (typeof TOPICS)[number]): Buffer[] => byTopic.get(topic) ?? [];
  return {
    decisions: valuesOf('tripline.decisions').map((value) => decisionCodec.decode(value)),
    actions: valuesOf('actions.webhook').map((value) => actionCodec.decode(value)),
    late: valuesOf('tripline.late').map((value) => lateCodec.decode(value)),
    deadLetters: valuesOf('tripline.dead-letter').length,
  };
}

async function readToEnd(brokers: readonly string[], topics: readonly string[]): Promise<Map<string, Buffer[]>> {
  const client = kafkaClient(brokers, 'chaos-reader');
  const waiting = await markEnds(client, topics);
  const values = new Map<string, Buffer[]>(topics.map((topic) => [topic, []]));
  const consumer = client.consumer({ groupId: `chaos-reader-${randomUUID()}`, readUncommitted: false });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        if (message.headers?.[END] === undefined) values.get(topic)!.push(message.value!);
        else waiting.delete(`${topic}/${partition}`);
      },
    });
    const message = 'all partitions are read to their end';
    await until(() => waiting.size === 0, { message, deadlineMs: READ_MS, seen: () => [...waiting] });
  } finally {
    await consumer.disconnect();
  }
  return values;
}

/** Writes the records that end each partition; returns the partitions. */
async function markEnds(client: ReturnType<typeof kafkaClient>, topics: readonly string[]): Promise<Set<string>> {
  const admin = client.admin();
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    const ends = new Set<string>();
    for (const { name: topic, partitions } of (await admin.fetchTopicMetadata({ topics: [...topics] })).topics) {
      const messages = partitions.map(({ partitionId: partition }) => ({
        partition,
        value: '',
        headers: { [END]: '' },
      }));
      await producer.send({ topic, messages });
      for (const { partition } of messages) ends.add(`${topic}/${partition}`);
    }
    return ends;
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}
