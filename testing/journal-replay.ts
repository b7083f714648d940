// Runs all tasks of a finished run again from its journal, and gathers what they write. What comes out must be what the run
// wrote (I1).
//
// Owns: collecting outputs. Does not own: walking journals (topology/engine/journal-walk.ts).

import type { LogRecord, NewRecord } from '../schemas/record.ts';
import type { Topology } from '../topology/engine/builder.ts';
import { type JournalWalkOptions, walkJournal } from '../topology/engine/journal-walk.ts';
import { type Log, partitionKey, type TopicPartition } from '../topology/engine/ports.ts';
import { readPartition as pagesOf } from '../topology/engine/read-partition.ts';

type Walked = Pick<JournalWalkOptions, 'log' | 'application' | 'outOfOrdernessMs' | 'cacheBytes' | 'dirtyBytesMax'>;

export interface JournalReplayOptions extends Walked {
  /** Of the run: with the rules it had. */
  readonly topology: Topology;
}

/** A record as it would be written. */
export type ReplayedRecord = Omit<LogRecord, 'offset'>;

/** By `${topic}/${partition}`, in the order in which each task made them, task after task. */
export type ReplayedOutputs = ReadonlyMap<string, readonly ReplayedRecord[]>;

const MEGABYTE = 1024 * 1024;

/** Replays all journaled tasks, one after the other. Throws AssertionError when the journal names other inputs. */
export async function replayJournal(options: JournalReplayOptions): Promise<ReplayedOutputs> {
  const { topology, cacheBytes = MEGABYTE, dirtyBytesMax = MEGABYTE, ...walk } = options;
  const partitions = await options.log.admin.topics();
  const outputs = new Map<string, ReplayedRecord[]>();
  for (const part of topology.subTopologies()) {
    if (!part.journaled) continue;
    for (let partition = 0; partition < partitions.get(part.sources[0]!.topic)!; partition++) {
      const emit = (record: NewRecord): void => collect(record, outputs);
      await walkJournal({ ...walk, part, partition, cacheBytes, dirtyBytesMax, emit, strangeInputs: 'refuse' });
    }
  }
  return outputs;
}

/** All committed records of a partition that are still there. */
export async function readPartition(log: Log, from: TopicPartition): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const page of pagesOf(log, from)) records.push(...page);
  return records;
}

function collect(output: NewRecord, outputs: Map<string, ReplayedRecord[]>): void {
  const { timestamp, key, value, headers } = output;
  const where = partitionKey(output);
  outputs.set(where, [...(outputs.get(where) ?? []), { timestamp, key, value, headers }]);
}
