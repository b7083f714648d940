// Answering what waits for a person, and saying who is to answer.
//
// Owns: the commands that say so. Does not own: what an answer does (processors/decide/answers.ts).
//
// Invariants:
//   A1. What does not wait is not answered: that is an error, and nothing is written.
//   A2. An answer is stamped after the question, whatever the clocks say: otherwise it would answer nothing.

import Type from 'typebox';
import { utf8Bytes } from '../../lib/bytes.ts';
import { FatalError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { BY_LENGTH_MAX, type Command, encodeCommand, NOTE_LENGTH_MAX } from '../../schemas/commands.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { ENTITY_HEADER, NO_HEADERS } from '../../schemas/record.ts';
import { commandsTopic } from '../../topology/topics.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { type WaitingReview, waitingReviews } from './waiting.ts';

const strict = { additionalProperties: false };
const ID = Type.String({ minLength: 1 });
const PERSON = Type.String({ minLength: 1, maxLength: BY_LENGTH_MAX });

/** `data`: of `edit`, what takes the place of values of the messages' data. */
export const AnswerReviewSchema = Type.Object(
  {
    id: ID,
    verdict: Type.Enum(['approve', 'edit', 'reject']),
    data: Type.Optional(Type.Object({}, { additionalProperties: true })),
    by: PERSON,
    note: Type.Optional(Type.String({ minLength: 1, maxLength: NOTE_LENGTH_MAX })),
  },
  strict,
);
export type AnswerReview = Type.Static<typeof AnswerReviewSchema>;

export const AssignReviewSchema = Type.Object({ id: ID, to: PERSON, by: PERSON }, strict);
export type AssignReview = Type.Static<typeof AssignReviewSchema>;

/** What was answered, or assigned. */
export interface ReviewAnswered {
  readonly id: string;
  readonly kind: WaitingReview['kind'];
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
}

/**
 * It counts once its task has read it, some milliseconds later. Throws FatalError TRG_USAGE for `edit` without data, or data with
 * another verdict; TRG_REVIEW_NOT_WAITING; TRG_LOG_LOCKED while a worker has the embedded log and is not the one that is asked,
 * TRG_FILE_UNREADABLE without a log.
 */
export async function answerReview(
  context: ServiceContext,
  { id, verdict, data, by, note }: AnswerReview,
  asked: Asked,
): Promise<ReviewAnswered> {
  if ((verdict === 'edit') !== (data !== undefined)) {
    throw new FatalError('TRG_USAGE', 'data belongs to the answer "edit", which needs it');
  }
  const said = { verdict, data: (data ?? {}) as JsonObject, by, ...(note !== undefined && { note }) };
  return tell(context, id, asked, (at) => ({ kind: 'answer', of: id, ...said, at }));
}

/** Throws what answerReview() throws. */
export async function assignReview(
  context: ServiceContext,
  { id, to, by }: AssignReview,
  asked: Asked,
): Promise<ReviewAnswered> {
  return tell(context, id, asked, (at) => ({ kind: 'assign', of: id, to, by, at }));
}

async function tell(
  context: ServiceContext,
  id: string,
  asked: Asked,
  commandAt: (at: number) => Command,
): Promise<ReviewAnswered> {
  const review = (await waitingReviews(context, pauseOf(context, asked))).find((one) => one.id === id);
  if (review === undefined) {
    throw new FatalError('TRG_REVIEW_NOT_WAITING', 'nothing waits for a person under this id', {
      hint: 'tripline reviews list shows what waits',
    });
  }
  const { kind, ruleId, entity, since } = review;
  const { application } = context.config;
  const log = await context.writableLog();
  const topic = commandsTopic(application);
  const key = utf8Bytes(entity.id);
  const partitions = (await log.admin.topics()).get(topic);
  if (partitions === undefined) {
    throw new FatalError('TRG_TOPIC_MISSING', `the topic ${topic} is not there`, { topic });
  }
  const now = context.clock.now();
  const writerId = `${application}-reviews`;
  const writer = await log.openWriter(writerId);
  try {
    writer.send([
      {
        topic,
        partition: partitionOf(key, partitions),
        timestamp: now,
        key,
        value: encodeCommand(commandAt(Math.max(now, since + 1))),
        headers: entity.type === 'user' ? NO_HEADERS : [[ENTITY_HEADER, utf8Bytes(entity.type)]],
      },
    ]);
    await writer.commit(writerId, []);
  } finally {
    await writer.close();
  }
  return { id, kind, rule: ruleId, entity: { type: entity.type, id: entity.id } };
}

export const answerService = service(AnswerReviewSchema, answerReview);
export const assignService = service(AssignReviewSchema, assignReview);
