// What an action said, word by word, while the archive keeps it (`archive` of the configuration).

import Type from 'typebox';
import type { ArchivedMessage } from '../../connectors/channels/delivery/outcomes.ts';
import { utf8Text } from '../../lib/bytes.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { publicTopics } from '../../topology/topics.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

export const MessageSchema = Type.Object({ action: Type.String({ minLength: 1 }) }, { additionalProperties: false });
export type MessageQuestion = Type.Static<typeof MessageSchema>;

/** As it was archived, `at` in ISO-8601. */
export type MessageJson = Omit<ArchivedMessage, 'at' | 'content'> & {
  readonly at: string;
  readonly content: JsonObject;
};

/** The last one kept of the action; null: none is. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function messageOf(
  context: ServiceContext,
  { action }: MessageQuestion,
  asked: Asked,
): Promise<MessageJson | null> {
  const pause = pauseOf(context, asked);
  const { messages } = publicTopics(context.config.topics.prefix);
  let found: MessageJson | null = null;
  for await (const { value } of readTopic(await context.log(), messages, pause)) {
    if (value === null) continue;
    const text = utf8Text(value);
    // Most are others'; parsing each would cost the most.
    if (!text.includes(action)) continue;
    const message = JSON.parse(text) as ArchivedMessage;
    if (message.action !== action) continue;
    const { at, content, ...rest } = message;
    found = { ...rest, at: new Date(at).toISOString(), content: content as JsonObject };
  }
  return found;
}

export const messageService = service(MessageSchema, messageOf);
