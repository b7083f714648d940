// Dead letters as people and programs ask for them: which there are, and sending them on their way again.
//
// Owns: what is asked and answered. Does not own: how letters lie in the log (dead-letters.ts).

import { isUtf8 } from 'node:buffer';
import Type from 'typebox';
import { channelNames } from '../../connectors/channels/index.ts';
import { asBuffer } from '../../lib/bytes.ts';
import { ERROR_CODES, type ErrorCode } from '../../lib/errors.ts';
import { actionsTopic, publicTopics } from '../../topology/topics.ts';
import { requireName } from '../names.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { deadLetters, type FoundLetter, type LetterFilter, replayLetters } from './dead-letters.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** `reason`: given up for this; `channel`: actions of it; `since`: given up from this wall time on, ms; `at`: the one that lies there. */
const FILTER = {
  channel: Type.Optional(Type.String({ minLength: 1 })),
  since: Type.Optional(Type.Number()),
  reason: Type.Optional(Type.Enum(CODES)),
  at: Type.Optional(
    Type.Object(
      { partition: Type.Integer({ minimum: 0 }), offset: Type.Integer({ minimum: 0 }) },
      { additionalProperties: false },
    ),
  ),
};

/** `withReplayed`: also those that were replayed already. */
export const ListLettersSchema = Type.Object(
  { ...FILTER, withReplayed: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
export type ListLetters = Type.Static<typeof ListLettersSchema>;

export const ReplayLettersSchema = Type.Object(FILTER, { additionalProperties: false });
export type ReplayLetters = Type.Static<typeof ReplayLettersSchema>;

/** Text as it is; other bytes as `{"base64": …}`. */
export type BytesJson = string | null | { readonly base64: string };

export interface LetterJson {
  /** Where the letter itself is in the dead-letter topic. */
  readonly partition: number;
  readonly offset: number;
  /** When the record was given up, ISO-8601. */
  readonly at: string;
  readonly reason: ErrorCode;
  readonly message: string;
  readonly replayed: boolean;
  /** Where the record was read; partition and offset -1: it lay nowhere, and is sent again to the partition of its key. */
  readonly from: { readonly topic: string; readonly partition: number; readonly offset: number };
  readonly key: BytesJson;
  readonly value: BytesJson;
  readonly headers: readonly { readonly name: string; readonly value: BytesJson }[];
}

export interface LettersReplayed {
  readonly replayed: number;
  /** Places that letters came from and that are no more, as `topic/partition`, with how many came from each. */
  readonly homeless: readonly { readonly home: string; readonly letters: number }[];
}

/** By partition and offset. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function* listLetters(
  context: ServiceContext,
  { withReplayed = false, ...filter }: ListLetters,
  asked: Asked,
): AsyncGenerator<LetterJson, null, void> {
  const pause = pauseOf(context, asked);
  for await (const found of deadLetters(await context.log(), topicOf(context), filterOf(context, filter))) {
    if (found.replayed && !withReplayed) continue;
    yield letterJson(found);
    await pause();
  }
  return null;
}

/**
 * Sends letters that were not replayed yet back to where they came from, each once, also when it is broken off. Throws FatalError TRG_LOG_LOCKED while a
 * worker has the embedded log and is not the one that is asked, TRG_FILE_UNREADABLE without a log.
 */
export async function replayDeadLetters(
  context: ServiceContext,
  filter: ReplayLetters,
  asked: Asked,
): Promise<LettersReplayed> {
  const log = await context.writableLog();
  const group = `${context.config.application}-dlq`;
  const writer = await log.openWriter(group);
  try {
    const options = {
      topic: topicOf(context),
      group,
      filter: filterOf(context, filter),
      pause: pauseOf(context, asked),
    };
    const { replayed, homeless } = await replayLetters(log, writer, options);
    return { replayed, homeless: Array.from(homeless, ([home, letters]) => ({ home, letters })) };
  } finally {
    await writer.close();
  }
}

function topicOf({ config }: ServiceContext): string {
  return publicTopics(config.topics.prefix).deadLetter;
}

function filterOf({ config }: ServiceContext, { reason, channel, since, at }: ReplayLetters): LetterFilter {
  if (channel !== undefined) requireName('channel', channel, channelNames(config.channels));
  return {
    ...(reason !== undefined && { reason }),
    ...(channel !== undefined && { topic: actionsTopic(config.topics.prefix, channel) }),
    ...(since !== undefined && { since }),
    ...(at !== undefined && { at }),
  };
}

function letterJson({ letter, partition, offset, replayed }: FoundLetter): LetterJson {
  return {
    partition,
    offset,
    at: new Date(letter.at).toISOString(),
    reason: letter.reason,
    message: letter.message,
    replayed,
    from: { topic: letter.topic, partition: letter.partition, offset: letter.offset },
    key: bytesJson(letter.key),
    value: bytesJson(letter.value),
    headers: letter.headers.map(({ name, value }) => ({ name, value: bytesJson(value) })),
  };
}

function bytesJson(bytes: Uint8Array | null): BytesJson {
  if (bytes === null) return null;
  const buffer = asBuffer(bytes);
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') };
}

export const listService = service(ListLettersSchema, listLetters);
export const replayService = service(ReplayLettersSchema, replayDeadLetters);
