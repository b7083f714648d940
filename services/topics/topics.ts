// The topics of a configuration as people and programs ask for them: which are needed and missing, making them, and the rights
// that they need.
//
// The needs are the asker's: a configuration that was changed is planned for before the worker runs with it.
//
// Owns: what is asked and answered. Does not own: what is needed (plan.ts, acls.ts).

import Type from 'typebox';
import { hasLog } from '../job/open-log.ts';
import { service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { createMissing, type PlannedTopic, planTopics, withDrift } from './plan.ts';

const strict = { additionalProperties: false };
const TOPIC = Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$' });
const COUNT = Type.Integer({ minimum: 0 });

/** TopicNeeds of plan.ts. */
export const TopicNeedsSchema = Type.Object(
  {
    sources: Type.Array(TOPIC, { minItems: 1 }),
    together: Type.Array(Type.Array(TOPIC)),
    partitions: Type.Integer({ minimum: 1 }),
    others: Type.Array(
      Type.Object(
        {
          topic: TOPIC,
          partitions: COUNT,
          isPublic: Type.Boolean(),
          compacted: Type.Optional(Type.Boolean()),
          retentionMs: Type.Optional(COUNT),
          stampedOnAppend: Type.Optional(Type.Boolean()),
          purged: Type.Optional(Type.Boolean()),
          replicationFactor: Type.Optional(COUNT),
          minInSyncReplicas: Type.Optional(COUNT),
          batchBytesMax: Type.Optional(COUNT),
        },
        strict,
      ),
    ),
  },
  strict,
);
export type TopicNeedsQuestion = Type.Static<typeof TopicNeedsSchema>;

export type AppliedTopic = Omit<PlannedTopic, 'state'> & {
  readonly state: PlannedTopic['state'] | 'created' | 'changed';
};

/** Where there is no log yet, all are missing. Throws what the log throws. */
export async function planNeededTopics(
  context: ServiceContext,
  needs: TopicNeedsQuestion,
): Promise<readonly PlannedTopic[]> {
  if (!hasLog(context.config)) return planTopics(new Map(), needs);
  const { admin } = await context.log();
  return withDrift(admin, planTopics(await admin.topics(), needs));
}

/**
 * Makes what is missing and mends settings; with a topic in the answer that is a `mismatch`, nothing was done. Throws FatalError
 * TRG_LOG_LOCKED while a worker has the embedded log and is not the one that is asked.
 */
export async function applyNeededTopics(
  context: ServiceContext,
  needs: TopicNeedsQuestion,
): Promise<readonly AppliedTopic[]> {
  const { admin } = await context.writableLog({ isMade: true });
  const plan = await withDrift(admin, planTopics(await admin.topics(), needs));
  if (plan.some(({ state }) => state === 'mismatch')) return plan;
  await createMissing(admin, plan);
  await admin.mend?.(plan.flatMap(({ drift }) => drift ?? []));
  return plan.map(applied);
}

function applied(topic: PlannedTopic): AppliedTopic {
  if (topic.state === 'missing') return { ...topic, state: 'created', existing: topic.partitions };
  return topic.drift === undefined ? topic : { ...topic, state: 'changed' };
}

export const planService = service(TopicNeedsSchema, planNeededTopics);
export const applyService = service(TopicNeedsSchema, applyNeededTopics);
