// The channels as people and programs ask for them: which are in use, turning one off and on, and sending now what waits.
//
// Owns: what is asked and answered, the records of tripline.channels that come from it. Does not own: what workers make of those
// (connectors/channels/delivery/guard.ts).
//
// Invariants:
//   H1. What was said last about a channel holds: a change is written after all that were read, under one writer's name.

import Type from 'typebox';
import { channelOf } from '../../connectors/channels/index.ts';
import { utf8Bytes, utf8Text } from '../../lib/bytes.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { type ChannelState, decodeChannelState, ENABLED, encodeChannelState } from '../../schemas/channel-state.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { publicTopics } from '../../topology/topics.ts';
import { requireName } from '../names.ts';
import { service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

const strict = { additionalProperties: false };
const NAME = Type.String({ minLength: 1 });

export const ListChannelsSchema = Type.Object({}, strict);

/** What is to be of a channel; `retry`: what waits for a next attempt is tried at once. */
export const CHANGES = ['enable', 'disable', 'retry'] as const;
export const ChangeChannelSchema = Type.Object(
  { channel: NAME, change: Type.Enum([...CHANGES]), reason: Type.Optional(NAME) },
  strict,
);
export type ChangeChannel = Type.Static<typeof ChangeChannelSchema>;

export interface ChannelJson {
  readonly channel: string;
  /** What kind of channel it is: its name, unless `type` says otherwise. */
  readonly type: string;
  readonly state: 'enabled' | 'disabled';
  readonly reason: string | null;
  /** Since when, ISO-8601; null: nobody ever said anything. */
  readonly at: string | null;
  /** Who said so: `provider` or `command`; null as `at`. */
  readonly by: string | null;
}

/** Those that are configured, in the order of the configuration. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function listChannels(context: ServiceContext): Promise<readonly ChannelJson[]> {
  const states = await statesOf(await context.log(), topicOf(context));
  return Object.keys(context.config.channels).map((name) => channelJson(context, name, states.get(name) ?? ENABLED));
}

/**
 * Writes what all workers go by from then on. Throws FatalError TRG_NAME_UNKNOWN for a channel that is not configured,
 * TRG_LOG_LOCKED while a worker has the embedded log and is not the one that is asked, TRG_FILE_UNREADABLE without a log.
 */
export async function changeChannel(
  context: ServiceContext,
  { channel, change, reason }: ChangeChannel,
): Promise<ChannelJson> {
  const { config, clock } = context;
  requireChannel(context, channel);
  const log = await context.writableLog();
  const topic = topicOf(context);
  const partitions = (await log.admin.topics()).get(topic) ?? 0;
  if (partitions === 0) await log.admin.createTopics([{ topic, partitions: config.log.partitions, compacted: true }]);
  const writer = await log.openWriter(`${config.application}-channels`);
  try {
    const before = (await statesOf(log, topic)).get(channel) ?? ENABLED;
    const now = clock.now();
    const state: ChannelState =
      change === 'retry'
        ? { ...before, retryAt: now }
        : {
            state: change === 'enable' ? 'enabled' : 'disabled',
            reason: reason ?? null,
            at: now,
            by: 'command',
            retryAt: null,
          };
    const key = utf8Bytes(channel);
    const partition = partitionOf(key, partitions === 0 ? config.log.partitions : partitions);
    writer.send([{ topic, partition, timestamp: now, key, value: encodeChannelState(state), headers: [] }]);
    await writer.commit(`${config.application}-channels`, []);
    return channelJson(context, channel, state);
  } finally {
    await writer.close();
  }
}

/** Throws FatalError TRG_NAME_UNKNOWN. */
export function requireChannel({ config }: ServiceContext, channel: string): void {
  requireName('channel', channel, Object.keys(config.channels));
}

function topicOf({ config }: ServiceContext): string {
  return publicTopics(config.topics.prefix).channels;
}

async function statesOf(log: Log, topic: string): Promise<ReadonlyMap<string, ChannelState>> {
  const states = new Map<string, ChannelState>();
  for await (const { key, value } of readTopic(log, topic)) {
    if (key === null) continue;
    const state = value === null ? undefined : decodeChannelState(value);
    if (value === null) states.delete(utf8Text(key));
    else if (state !== undefined) states.set(utf8Text(key), state);
  }
  return states;
}

function channelJson({ config }: ServiceContext, name: string, { state, reason, at, by }: ChannelState): ChannelJson {
  const type = channelOf(name, config.channels[name])?.id ?? name;
  const isSaid = at > 0;
  return {
    channel: name,
    type,
    state,
    reason,
    at: isSaid ? new Date(at).toISOString() : null,
    by: isSaid ? by : null,
  };
}

export const listService = service(ListChannelsSchema, listChannels);
export const changeService = service(ChangeChannelSchema, changeChannel);
