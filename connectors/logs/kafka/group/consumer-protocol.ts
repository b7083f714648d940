// What members and their leader tell each other by way of the group's coordinator, in the format of Kafka's own consumers
// (ConsumerProtocol, version 3), so that kafka-consumer-groups.sh and others can show who has what.
//
// Owns: the two messages. Our own notes travel as their user data.

import { Reader, Writer } from '@platformatic/kafka';
import type { MemberAssignment, TopicPartition } from '../../../../topology/engine/ports.ts';

const VERSION = 3;
const NO_RACK = null;

/** What a member says of itself when it joins. */
export interface Subscription {
  readonly topics: readonly string[];
  readonly note: Uint8Array;
  readonly owned: readonly TopicPartition[];
  /** Of which `owned` is what was left; -1: of none. */
  readonly generation: number;
}

export function encodeSubscription({ topics, note, owned, generation }: Subscription): Buffer {
  const writer = Writer.create()
    .appendInt16(VERSION)
    .appendArray([...topics], (w, topic) => w.appendString(topic, false), false, false)
    .appendBytes(Buffer.from(note), false);
  return appendPartitions(writer, owned).appendInt32(generation).appendString(NO_RACK, false).buffer;
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = Reader.from(bytes);
  reader.readInt16();
  const topics = reader.readArray((r) => r.readString(false), false, false);
  const note = Uint8Array.from(reader.readBytes(false));
  return { topics, note, owned: readPartitions(reader), generation: reader.readInt32() };
}

export function encodeAssignment({ partitions, note }: MemberAssignment): Buffer {
  return appendPartitions(Writer.create().appendInt16(VERSION), partitions).appendBytes(Buffer.from(note), false)
    .buffer;
}

/** No bytes at all are an empty assignment. */
export function decodeAssignment(bytes: Buffer): MemberAssignment {
  if (bytes.length === 0) return { partitions: [], note: new Uint8Array() };
  const reader = Reader.from(bytes);
  reader.readInt16();
  return { partitions: readPartitions(reader), note: Uint8Array.from(reader.readBytes(false)) };
}

function appendPartitions(writer: Writer, partitions: readonly TopicPartition[]): Writer {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)];
  return writer.appendArray(
    topics,
    (w, [topic, ofTopic]) => {
      w.appendString(topic, false).appendArray(ofTopic, (w, { partition }) => w.appendInt32(partition), false, false);
    },
    false,
    false,
  );
}

function readPartitions(reader: Reader): readonly TopicPartition[] {
  const byTopic = reader.readArray(
    (r) => {
      const topic = r.readString(false);
      return r.readArray((r) => r.readInt32(), false, false).map((partition) => ({ topic, partition }));
    },
    false,
    false,
  );
  return byTopic.flat();
}
