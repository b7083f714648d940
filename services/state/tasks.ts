// The tasks of a topology as the log shows them: how far each has read, and how large its state is.

import type { KeyValueStore } from '../../state/store/api.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { Log, TopicPartition } from '../../topology/engine/ports.ts';
import { decodePositionNote } from '../../topology/engine/position-note.ts';
import { readChangelogNote, readOwnerNote } from '../../topology/engine/task-note.ts';
import { type TaskSpec, tasksOf } from '../../topology/engine/tasks.ts';
import { foldState, type StateSize, sizeOf } from './folded-state.ts';

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
export async function readTasks(log: Log, topology: Topology, application: string): Promise<readonly TaskSpec[]> {
  return tasksOf(topology.subTopologies(), application, await log.admin.topics());
}

export async function taskState(log: Log, task: TaskSpec, application: string): Promise<TaskState> {
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
  const time = decodePositionNote(committed[0]?.metadata)?.time.streamTime ?? -1;
  const streamTime = time < 0 ? null : time;
  if (changelog === null) return { task: id, inputs, streamTime, state: null };
  const folded = await foldState(log, changelog);
  try {
    const size = await sizeOf(folded.store);
    const { first, end } = await log.admin.offsets(changelog);
    return { task: id, inputs, streamTime, state: { ...size, changelog: { first, end } } };
  } finally {
    await folded.close();
  }
}

export function localState(store: KeyValueStore): LocalState {
  return { offset: readChangelogNote(store), owner: readOwnerNote(store) };
}
