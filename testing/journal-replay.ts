// Runs the tasks of a finished run again from its journal: the same inputs, in the order and with the clock that the
// journal tells, into fresh state. What comes out must be what the run wrote (docs/design.md, I1).
//
// Owns: walking journals, collecting outputs. Does not own: the tasks themselves (topology/engine/task.ts).
//
// Invariants:
//   W1. Nothing but inputs, journal and rules goes in: no clock, no committed state, no committed offsets.
//   W2. Watermarks between tasks are left out: they are said when a commit is made, and a replay makes none.

import { assert } from '../lib/assert.ts';
import { Counters } from '../lib/counters.ts';
import { partitionOf } from '../lib/murmur2.ts';
import type { LogRecord, RecordHeader } from '../schemas/record.ts';
import type { Message } from '../state/processor.ts';
import { CachedDocumentStore } from '../state/store/document-store.ts';
import { MemoryStore } from '../state/store/memory-store.ts';
import type { SinkNode, SubTopology, Topology } from '../topology/engine/builder.ts';
import { type JournalStep, journalCodec } from '../topology/engine/journal.ts';
import { type Log, partitionKey, type TopicPartition } from '../topology/engine/ports.ts';
import { Task } from '../topology/engine/task.ts';
import { taskId, taskInputs } from '../topology/engine/tasks.ts';
import { journalTopic } from '../topology/engine/topics.ts';

export interface JournalReplayOptions {
  readonly log: Log;
  /** Of the run: with the rules it had. */
  readonly topology: Topology;
  readonly application: string;
  readonly outOfOrdernessMs: number;
  /** Documents are written to the store whenever this much waits, in estimated heap bytes; default 1 MB. */
  readonly dirtyBytesMax?: number;
  /** Bytes of decoded documents kept; default 1 MB. */
  readonly cacheBytes?: number;
}

/** A record as it would be written. */
export type ReplayedRecord = Omit<LogRecord, 'offset'>;

/** By `${topic}/${partition}`, in the order in which each task made them, task after task. */
export type ReplayedOutputs = ReadonlyMap<string, readonly ReplayedRecord[]>;

const MEGABYTE = 1024 * 1024;
const READ_BYTES = 4 * MEGABYTE;

const encoder = new TextEncoder();

/** Replays all journaled tasks, one after the other. Throws AssertionError when inputs are gone that the journal names. */
export async function replayJournal(options: JournalReplayOptions): Promise<ReplayedOutputs> {
  const partitions = await options.log.admin.topics();
  const outputs = new Map<string, ReplayedRecord[]>();
  for (const part of options.topology.subTopologies()) {
    if (!part.journaled) continue;
    for (let partition = 0; partition < partitions.get(part.sources[0]!.topic)!; partition++) {
      await replayTask(options, part, partition, partitions, outputs);
    }
  }
  return outputs;
}

/** All committed records of a partition that are still there. */
export async function readPartition(log: Log, from: TopicPartition): Promise<LogRecord[]> {
  const { first, end } = await log.admin.offsets(from);
  const reader = log.openReader();
  const found: LogRecord[] = [];
  try {
    reader.assign([{ ...from, offset: first }]);
    for (let offset = first; offset < end; ) {
      const [fetched] = await reader.read({ maxBytes: READ_BYTES, waitMs: 0 });
      if (fetched === undefined) continue;
      found.push(...fetched.records);
      offset = fetched.nextOffset;
    }
  } finally {
    await reader.close();
  }
  return found;
}

async function replayTask(
  options: JournalReplayOptions,
  part: SubTopology,
  partition: number,
  partitions: ReadonlyMap<string, number>,
  outputs: Map<string, ReplayedRecord[]>,
): Promise<void> {
  const { log, application, outOfOrdernessMs } = options;
  const { dirtyBytesMax = MEGABYTE, cacheBytes = MEGABYTE } = options;
  const id = taskId(part, partition);
  const store = new MemoryStore();
  const documents =
    part.store === null ? null : new CachedDocumentStore(store, part.store.spec.documents, { cacheBytes });
  const inputs = taskInputs(part, partition, partitions);
  const isHigh = (): boolean => task.dirtyBytes >= dirtyBytesMax;
  const task: Task = new Task({
    id,
    partition,
    part,
    inputs,
    outOfOrdernessMs,
    documents,
    counters: new Counters(),
    emit: (sink, message) => collect(sink, message, partitions, outputs),
    pressure: { isHigh, relieve: () => task.commitAlone() },
  });
  const records = await Promise.all(inputs.map((input) => readPartition(log, input)));
  const next = inputs.map(() => 0);
  const prepareOf = inputs.map(({ topic }) => part.sources.find((source) => source.topic === topic)?.prepare);
  const apply = async ({ kind, input, value }: JournalStep): Promise<void> => {
    if (kind === 'rules') task.useVersion(value);
    if (kind === 'wall' && task.advanceWall(value)) await task.settle();
    if (kind === 'end' && task.end(input, value)) await task.settle();
    if (kind !== 'read') return;
    for (;;) {
      const record = records[input]![next[input]!];
      if (record === undefined || record.offset >= value) return;
      next[input]!++;
      for (let wait = prepareOf[input]?.(record); wait; wait = prepareOf[input]?.(record)) await wait;
      if (task.read(input, record)) await task.settle();
    }
  };
  for (const record of await readPartition(log, { topic: journalTopic(application), partition })) {
    const entry = journalCodec.decode(record.value!);
    if (entry.task !== id) continue;
    assert(entry.inputs.join() === inputs.map(partitionKey).join(), `the journal of ${id} names other inputs`);
    for (const step of entry.steps) {
      await apply(step);
      if (isHigh()) await task.commitAlone();
    }
  }
  task.close();
}

function collect(
  sink: SinkNode,
  message: Message<unknown>,
  partitions: ReadonlyMap<string, number>,
  outputs: Map<string, ReplayedRecord[]>,
): void {
  const given = message.value as never;
  if (sink.toAllPartitions?.(given) === true) return;
  const topic = typeof sink.topic === 'string' ? sink.topic : sink.topic(given);
  const key = encoder.encode(message.key);
  const where = partitionKey({ topic, partition: partitionOf(key, partitions.get(topic) ?? 1) });
  const headers = Object.entries(sink.headers?.(given) ?? {}).map(
    ([name, text]): RecordHeader => [name, encoder.encode(text)],
  );
  const record = { timestamp: message.timestamp, key, value: sink.encode(given), headers };
  outputs.set(where, [...(outputs.get(where) ?? []), record]);
}
