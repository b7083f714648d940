// The messages that a rule sent to somebody last, as their actions were recorded.
//
// Owns: finding them. Does not own: rendering (preview.ts).

import Type from 'typebox';
import { channelNames } from '../../connectors/channels/index.ts';
import type { Action } from '../../schemas/action.ts';
import { actionCodec } from '../../schemas/framed.ts';
import { actionsTopic } from '../../topology/topics.ts';
import { requireEntityType } from '../names.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

const NAME = Type.String({ minLength: 1 });

/** `type`: of the entity. */
export const LastMessagesSchema = Type.Object({ rule: NAME, id: NAME, type: NAME }, { additionalProperties: false });
export type LastMessagesQuestion = Type.Static<typeof LastMessagesSchema>;

const PAUSE_RECORDS = 1_000;

/**
 * Of the rule's last decision about the entity that sent something: of each send the action on its first channel, by step. Empty: there
 * is none any more, or was none. Throws FatalError TRG_FILE_UNREADABLE without a log, TRG_NAME_UNKNOWN.
 */
export async function lastMessages(
  context: ServiceContext,
  { rule, id, type }: LastMessagesQuestion,
  asked: Asked,
): Promise<readonly Action[]> {
  const { config } = context;
  requireEntityType(type, config);
  const pause = pauseOf(context, asked);
  const log = await context.log();
  let last: Action[] = [];
  let records = 0;
  for (const channel of new Set([...channelNames(config.channels), ...config.deliveredElsewhere])) {
    for await (const { key, value } of readTopic(log, actionsTopic(config.topics.prefix, channel))) {
      if (++records % PAUSE_RECORDS === 0) await pause();
      // Actions are keyed by the entity's id: most are others', and need not be decoded.
      if (value === null || key === null || Buffer.from(key).toString() !== id) continue;
      const action = actionCodec.decode(value);
      if (action.rule !== rule || action.entity.type !== type || action.entity.id !== id || action.attempt > 1)
        continue;
      const [known] = last;
      if (known?.decision === action.decision) last.push(action);
      else if (known === undefined || action.at > known.at) last = [action];
    }
  }
  return last.sort((a, b) => a.step - b.step);
}

export const lastMessagesService = service(LastMessagesSchema, lastMessages);
