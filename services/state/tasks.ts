// The tasks of a configuration as the log shows them: how far each has read, and how large its state is.
//
// Owns: the figures. Does not own: which topology there is (job.ts), folding (folded-state.ts).

import Type from 'typebox';
import type { KeyValueStore } from '../../state/store/api.ts';
import type { SubTopology } from '../../topology/engine/builder.ts';
import type { Log, TopicPartition } from '../../topology/engine/ports.ts';
import { decodePositionNote } from '../../topology/engine/position-note.ts';
import { readChangelogNote, readOwnerNote } from '../../topology/engine/task-note.ts';
import { type TaskSpec, tasksOf } from '../../topology/engine/tasks.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { ENTITY_STORE } from '../../topology/topology.ts';
import { plannedTopology } from '../job/job.ts';
import { type Asked, type Pause, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { timeJson } from './entity-json.ts';
import { foldState, sizeOf } from './folded-state.ts';

export interface TaskInputState extends TopicPartition {
  /** Next offset to be read; null: it never committed. */
  readonly committed: number | null;
  readonly end: number;
  /** Offsets between the two. */
  readonly waiting: number;
}

export interface TaskSize {
  readonly documents: number;
  /** Of all documents, as stored. */
  readonly bytes: number;
  /** Documents that wait for a time. */
  readonly due: number;
  /** ISO-8601; null: none is due ever. */
  readonly earliestDue: string | null;
  /** Offsets of the changelog. */
  readonly changelog: { readonly first: number; readonly end: number };
}

export interface TaskState {
  readonly task: string;
  readonly inputs: readonly TaskInputState[];
  /** ISO-8601; null before it has any, as in a task that goes by wall time. */
  readonly streamTime: string | null;
  /** Null: it keeps none. */
  readonly state: TaskSize | null;
}

/** Where a task's database in the data folder is, compared with its changelog. */
export interface LocalState {
  /** First changelog offset it does not have yet. */
  readonly offset: number;
  /** `application/task` it belongs to; null: it was never used. */
  readonly owner: string | null;
}

export const NothingSchema = Type.Object({}, { additionalProperties: false });

/**
 * Every task, as of the log's last commit; its state is folded from its changelog, one task after the other. Throws FatalError
 * TRG_TOPIC_MISSING before a worker or `topics apply` made the topics, TRG_TOPIC_MISMATCH, TRG_FILE_UNREADABLE without a log.
 */
export async function* stateTasks(
  context: ServiceContext,
  _input: Readonly<Record<never, never>>,
  asked: Asked,
): AsyncGenerator<TaskState, null, void> {
  const log = await context.log();
  const pause = pauseOf(context, asked);
  for (const task of await allTasks(context, log)) {
    yield await taskState(context, log, task, pause);
    await pause();
  }
  return null;
}

/** Throws as stateTasks(). */
export async function allTasks(context: ServiceContext, log: Log): Promise<readonly TaskSpec[]> {
  const { config } = context;
  const { rules } = (await context.rules()).inForce();
  const topology = plannedTopology(config, rules.ruleSet);
  const topics = await log.admin.topics();
  const parts = topology.subTopologies().map((part) => withoutUnmade(part, config.application, topics));
  return tasksOf(parts, config.application, topics);
}

/** A part whose worker was of a version before: what has been added to its inputs since is made when the next one starts. */
function withoutUnmade(part: SubTopology, application: string, topics: ReadonlyMap<string, number>): SubTopology {
  if (part.store === null || !topics.has(changelogTopic(application, part.name))) return part;
  return { ...part, sources: part.sources.filter(({ topic, made }) => made === undefined || topics.has(topic)) };
}

/** Those that keep entities: with a changelog each. */
export async function entityTasks(context: ServiceContext, log: Log): Promise<readonly TaskSpec[]> {
  return (await allTasks(context, log)).filter(({ part }) => part.name === ENTITY_STORE);
}

async function taskState(context: ServiceContext, log: Log, task: TaskSpec, pause: Pause): Promise<TaskState> {
  const { application } = context.config;
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
  const streamTime = timeJson(decodePositionNote(committed[0]?.metadata)?.time.streamTime ?? -1);
  if (changelog === null) return { task: id, inputs, streamTime, state: null };
  const folded = await foldState(log, changelog, pause);
  try {
    const { earliestDue, ...size } = await sizeOf(folded.store);
    const { first, end } = await log.admin.offsets(changelog);
    const state = { ...size, earliestDue: timeJson(earliestDue), changelog: { first, end } };
    return { task: id, inputs, streamTime, state };
  } finally {
    await folded.close();
  }
}

export function localState(store: KeyValueStore): LocalState {
  return { offset: readChangelogNote(store), owner: readOwnerNote(store) };
}

export const tasksService = service(NothingSchema, stateTasks);
