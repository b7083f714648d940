// The tasks of a topology as the log shows them: how far each has read, and how large its state is.

import type { KeyValueStore } from '../../state/api.ts';
import type { SubTopology, Topology } from '../../topology/builder.ts';
import type { Log, TopicPartition } from '../../topology/ports.ts';
import { taskCount, taskId } from '../../topology/runtime/open-engine.ts';
import type { StreamTimeSnapshot } from '../../topology/runtime/stream-time.ts';
import { readChangelogNote, readOwnerNote } from '../../topology/runtime/task-note.ts';
import { changelogTopic } from '../../topology/topics.ts';
import { foldState, type StateSize, sizeOf } from './folded-state.ts';

export interface TaskPlace {
  readonly id: string;
  readonly part: SubTopology;
  readonly partition: number;
  /** Null: it keeps nothing. */
  readonly changelog: TopicPartition | null;
}

export interface TaskInputState extends TopicPartition {
  /** Next offset to be read; null: it never committed. */
  readonly committed: number | null;
  readonly end: number;
  /** Offsets between the two. */
  readonly waiting: number;
}

export interface TaskState {
  readonly task: string;
  readonly inputs: readonly TaskInputState[];
  /** Ms; null before it has any, as in a task that goes by wall time. */
  readonly streamTime: number | null;
  readonly state: (StateSize & { readonly changelog: { readonly first: number; readonly end: number } }) | null;
}

/** Where a task's database in the data folder is, compared with its changelog. */
export interface LocalState {
  /** First changelog offset it does not have yet. */
  readonly offset: number;
  /** `application/task` it belongs to; null: it was never used. */
  readonly owner: string | null;
}

/** Throws FatalError TRG_TOPIC_MISSING before a worker or `topics apply` made the topics, TRG_TOPIC_MISMATCH. */
export async function tasksOf(log: Log, topology: Topology, application: string): Promise<readonly TaskPlace[]> {
  const partitions = await log.admin.topics();
  return topology.subTopologies().flatMap((part) =>
    Array.from({ length: taskCount(part, partitions) }, (_, partition) => ({
      id: taskId(part, partition),
      part,
      partition,
      changelog: part.store === null ? null : { topic: changelogTopic(application, part.name), partition },
    })),
  );
}

export async function taskState(log: Log, task: TaskPlace, application: string): Promise<TaskState> {
  const { id, part, partition, changelog } = task;
  const places = part.sources.map(({ topic }) => ({ topic, partition }));
  const committed = await log.admin.committed(application, places);
  const inputs = await Promise.all(
    places.map(async (place, i) => {
      const { first, end } = await log.admin.offsets(place);
      const offset = committed[i]?.offset ?? null;
      return { ...place, committed: offset, end, waiting: end - Math.max(offset ?? first, first) };
    }),
  );
  const note = committed[0]?.metadata;
  const time = note ? (JSON.parse(note) as StreamTimeSnapshot).streamTime : -1;
  const streamTime = time < 0 ? null : time;
  if (changelog === null) return { task: id, inputs, streamTime, state: null };
  const folded = await foldState(log, changelog);
  try {
    const size = await sizeOf(folded.store);
    return { task: id, inputs, streamTime, state: { ...size, changelog: await log.admin.offsets(changelog) } };
  } finally {
    await folded.close();
  }
}

export function localState(store: KeyValueStore): LocalState {
  return { offset: readChangelogNote(store), owner: readOwnerNote(store) };
}
