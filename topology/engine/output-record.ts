// What a sink writes of a message: the records, with their partitions. A commit and whoever checks one make the same of it.
//
// Invariants:
//   O1. A record that the log would refuse is not made: whoever writes it, and whoever checks, is told, and takes the step back
//       (task.ts, X4).

import { utf8Bytes } from '../../lib/bytes.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { NewRecord, RecordHeader } from '../../schemas/record.ts';
import { TRACEPARENT } from '../../schemas/trace.ts';
import type { Message } from '../../state/processor.ts';
import type { SinkNode } from './builder.ts';
import { OutputTooLarge } from './output-too-large.ts';

export interface OutputBounds {
  /** Counts of all topics; a topic that is not among them has one. */
  readonly partitions: ReadonlyMap<string, number>;
  /** Of a value (Log.recordBytesMax). */
  readonly recordBytesMax: number;
}

/** One record, or one for each partition. Throws OutputTooLarge. */
export function outputRecords(
  sink: SinkNode,
  message: Message<unknown>,
  { partitions, recordBytesMax }: OutputBounds,
): readonly NewRecord[] {
  const given = message.value as never;
  const value = sink.encode(given);
  const topic = typeof sink.topic === 'string' ? sink.topic : sink.topic(given);
  if (value !== null && value.length > recordBytesMax) throw new OutputTooLarge(topic, value.length, recordBytesMax);
  const count = partitions.get(topic) ?? 1;
  const named = Object.entries(sink.headers?.(given) ?? {});
  const headers: RecordHeader[] = named.map(([name, text]) => [name, utf8Bytes(text)]);
  for (const header of message.headers) if (header[0] === TRACEPARENT) headers.push(header);
  const { timestamp } = message;
  if (sink.toAllPartitions?.(given) === true) {
    return Array.from({ length: count }, (_, partition) => ({
      topic,
      partition,
      timestamp,
      key: null,
      value,
      headers,
    }));
  }
  const key = utf8Bytes(message.key);
  return [{ topic, partition: partitionOf(key, count), timestamp, key, value, headers }];
}
