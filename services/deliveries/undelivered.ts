// Messages that did not reach anybody: given up, not tried, or tried and waiting for the next attempt.
//
// Owns: finding them in the log, as of its last commit. Does not own: what was delivered, which the topic of deliveries has.

import Type from 'typebox';
import { type OutboxEntry, outboxSpec, outboxStore } from '../../connectors/channels/delivery/outbox.ts';
import { channelNames } from '../../connectors/channels/index.ts';
import { RecordError } from '../../lib/errors.ts';
import { actionCodec, deliveryCodec } from '../../schemas/framed.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { publicTopics } from '../../topology/topics.ts';
import { type Asked, type Pause, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { documentsOf, foldState } from '../state/folded-state.ts';
import { readTopic } from '../topics/read-topic.ts';

/** `rule`, `user`: of these only. */
export const UndeliveredSchema = Type.Object(
  { rule: Type.Optional(Type.String({ minLength: 1 })), user: Type.Optional(Type.String({ minLength: 1 })) },
  { additionalProperties: false },
);
export type UndeliveredQuery = Type.Static<typeof UndeliveredSchema>;

export interface Undelivered {
  /** Id of the decision that sent it. */
  readonly decision: string;
  readonly channel: string;
  /** waiting: it is tried again. */
  readonly state: 'failed' | 'skipped' | 'waiting';
  /** Null where the log does not have it. */
  readonly reason: string | null;
  readonly attempts: number;
}

/** Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function* undelivered(
  context: ServiceContext,
  query: UndeliveredQuery,
  asked: Asked,
): AsyncGenerator<Undelivered, null, void> {
  const log = await context.log();
  const pause = pauseOf(context, asked);
  const fits = (rule: string, entity: { readonly type: string; readonly id: string }): boolean =>
    (query.rule === undefined || query.rule === rule) &&
    (query.user === undefined || (entity.type === 'user' && entity.id === query.user));
  for await (const { value } of readTopic(log, publicTopics(context.config.topics.prefix).deliveries, pause)) {
    if (value === null) continue;
    const { decision, channel, rule, entity, outcome: state, reason, attempts } = deliveryCodec.decode(value);
    if ((state === 'failed' || state === 'skipped') && fits(rule, entity))
      yield { decision, channel, state, reason, attempts };
  }
  for await (const entry of waitingEntries(context, pause)) {
    const action = actionOf(entry.value);
    if (action === null || entry.attempts === 0 || !fits(action.rule, action.entity)) continue;
    const { decision, channel } = action;
    yield { decision, channel, state: 'waiting', reason: null, attempts: entry.attempts };
  }
  return null;
}

/** Of every channel that there is, whether or not it has a connector here now, and of those that the configuration names. */
async function* waitingEntries(context: ServiceContext, pause: Pause): AsyncGenerator<OutboxEntry> {
  const log = await context.log();
  const topics = await log.admin.topics();
  for (const channel of channelNames(context.config.channels)) {
    const topic = changelogTopic(context.config.application, outboxStore(channel));
    for (let partition = 0; partition < (topics.get(topic) ?? 0); partition++) {
      const folded = await foldState(log, { topic, partition }, pause);
      try {
        for await (const { doc } of documentsOf(folded.store, outboxSpec)) yield* doc.entries;
      } finally {
        await folded.close();
      }
    }
  }
}

/** Null for a record that is none, of which the dead letters tell. */
function actionOf(value: Uint8Array | null) {
  try {
    return actionCodec.decode(value ?? new Uint8Array(0));
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return null;
  }
}

export const undeliveredService = service(UndeliveredSchema, undelivered);
