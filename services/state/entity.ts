// What is remembered of one entity: from the task that runs, here or in another worker, else from the changelog.
//
// Invariants:
//   E1. Where a task runs, the answer is as of now, and holds what its next commit will write; otherwise as of the last commit.
//   E2. Nothing is said to be forgotten that a worker may know which could not be asked: that is an error.

import Type from 'typebox';
import { RetryableError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { entityDocumentSpec } from '../../state/entity/codec.ts';
import { type EntityDocument, entityKey } from '../../state/entity/document.ts';
import { storedDocument } from '../../state/store/stored-document.ts';
import type { TopicPartition } from '../../topology/engine/ports.ts';
import type { FoundDocument } from '../../topology/engine/questions.ts';
import { ENTITY_STORE } from '../../topology/topology.ts';
import { requireEntityType } from '../names.ts';
import { type Asked, type Pause, pauseOf, service } from '../operation.ts';
import type { ServiceContext, Verdict } from '../service-context.ts';
import { entityJson } from './entity-json.ts';
import { foldDocument } from './folded-state.ts';
import { entityTasks } from './tasks.ts';

export const EntitySchema = Type.Object(
  { type: Type.String({ minLength: 1 }), id: Type.String({ minLength: 1 }) },
  { additionalProperties: false },
);
export type EntityQuestion = Type.Static<typeof EntitySchema>;

export interface EntityState {
  /**
   * One, or none; more when senders put the entity's events into several partitions. In order of task. entity-json.ts says what is
   * in it.
   */
  readonly documents: readonly JsonObject[];
  /** Whether the task was asked that the entity belongs to; false only in what one worker says to another. */
  readonly hasTask: boolean;
}

/**
 * Throws FatalError TRG_NAME_UNKNOWN for a type of entity that is not configured, TRG_FILE_UNREADABLE without a log; RetryableError
 * TRG_TASK_MOVING, TRG_PEER_UNREACHABLE, TRG_WORKER_BUSY.
 */
export async function entityState(context: ServiceContext, entity: EntityQuestion, asked: Asked): Promise<EntityState> {
  requireEntityType(entity.type, context.config);
  if (context.live === null) return foldedEntity(context, entity, pauseOf(context, asked));
  const key = entityKey(entity.type, entity.id);
  const { found, tasks, opening, isSettled } = await context.live.lookUp({ part: ENTITY_STORE, key }, asked.signal);
  if (found.length > 0) return liveEntity(context, key, found);
  const { place, partitions } = await placeOf(context, entity.id);
  const hasTask = tasks.some(({ partition }) => partition === place.partition);
  if (!hasTask && (opening.includes(place.partition) || !isSettled)) {
    throw new RetryableError('TRG_TASK_MOVING', 'the state of the task that has this entity is being restored');
  }
  // All tasks are here: nobody else knows anything.
  if (tasks.length === partitions) return { documents: [], hasTask };
  const { peers } = context;
  if (peers === null || asked.isForwarded) return { documents: [], hasTask };
  const judge = (state: EntityState): Verdict => {
    if (state.documents.length > 0) return 'found';
    return state.hasTask ? 'absent' : 'elsewhere';
  };
  const question = { operation: 'state.entity', input: entity, place: hasTask ? null : place, judge };
  return (await peers.ask(question, asked.signal)) ?? { documents: [], hasTask: true };
}

/** An input of the task that the entity belongs to, by the partitioner that clients of Kafka share; and how many tasks there are. */
async function placeOf(context: ServiceContext, id: string): Promise<{ place: TopicPartition; partitions: number }> {
  const log = await context.log();
  const tasks = await entityTasks(context, log);
  const { topic } = tasks[0]!.inputs[0]!;
  const partitions = tasks.length;
  return { place: { topic, partition: partitionOf(Buffer.from(id), partitions) }, partitions };
}

async function liveEntity(context: ServiceContext, key: string, found: readonly FoundDocument[]): Promise<EntityState> {
  const book = await context.rules();
  const documents = found.map(({ task, rules: version, value }) => {
    const { ruleSet } = book.ofTask(version);
    const spec = entityDocumentSpec(() => ruleSet);
    return { task, json: entityJson(task, storedDocument(spec, key, value), ruleSet) };
  });
  documents.sort((a, b) => (a.task < b.task ? -1 : 1));
  return { documents: documents.map(({ json }) => json), hasTask: true };
}

/** In any task: a producer with another partitioner than ours decides where its keys are. */
async function foldedEntity(context: ServiceContext, { type, id }: EntityQuestion, pause: Pause): Promise<EntityState> {
  const key = entityKey(type, id);
  const log = await context.log();
  const { ruleSet } = (await context.rules()).inForce().rules;
  const documents: JsonObject[] = [];
  for (const task of await entityTasks(context, log)) {
    const spec = entityDocumentSpec(() => ruleSet);
    const stored = await foldDocument<EntityDocument>(log, task.changelog!, spec, key, pause);
    if (stored !== undefined) documents.push(entityJson(task.id, stored, ruleSet));
  }
  return { documents, hasTask: true };
}

export const entityService = service(EntitySchema, entityState);
