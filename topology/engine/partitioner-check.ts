// Notices a keyed source whose sender chooses partitions otherwise than we do: events of one entity that also come another
// way (another source, a repartition topic, the ingest API) then meet in different tasks, and its rules see only a part.
//
// Owns: looking, counting, telling once. A sample is enough: of a wrong sender's records all but one in `partitions` show it.
//
// Invariants:
//   M1. It changes nothing that is written (I1).

import type { Counters } from '../../lib/counters.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { EngineMonitor } from './monitor.ts';
import type { FetchedPartition } from './ports.ts';
import type { Task } from './task.ts';

export interface PartitionerCheckOptions {
  readonly counters: Counters;
  readonly monitor?: EngineMonitor;
  /** Partition counts of all topics. */
  readonly partitions: ReadonlyMap<string, number>;
}

export class PartitionerCheck {
  readonly #options: PartitionerCheckOptions;
  readonly #told = new Set<string>();

  constructor(options: PartitionerCheckOptions) {
    this.#options = options;
  }

  /** Looks at the first record that one read brought of an input of `task`. */
  look(task: Pick<Task, 'part' | 'inputs'>, input: number, { topic, partition, records }: FetchedPartition): void {
    const key = records[0]?.key ?? null;
    if (key === null || !isKeyedSource(task, input)) return;
    const { counters, monitor, partitions } = this.#options;
    const expected = partitionOf(key, partitions.get(topic) ?? 1);
    if (expected === partition) return;
    counters.add('misplaced', { topic });
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    monitor?.warn(
      { topic, partition, expected, offset: records[0]!.offset },
      'a keyed source is not partitioned by murmur2 of its keys, as Java clients do it: set `keyed: false` for it, or change ' +
        'the partitioner of its sender',
    );
  }
}

/** Read straight into the task that has the entities' state. Repartition topics and actions are written by ourselves. */
function isKeyedSource({ part, inputs }: Pick<Task, 'part' | 'inputs'>, input: number): boolean {
  return part.store !== null && part.journaled && inputs[input]!.upstream === null;
}
