// The channels, each a line, after them those that the user installed, and those that a configuration names.

import type { ChannelTraits } from '../../rules/gates/channels.ts';
import type { Channel, Connector } from './channel.ts';
import { email } from './email/channel.ts';
import { inapp } from './inapp/channel.ts';
import { CHANNEL_MODULES_VARIABLE, installedChannels } from './installed.ts';
import { log } from './log/channel.ts';
import { pagerduty } from './pagerduty/channel.ts';
import { push } from './push/channel.ts';
import { slack } from './slack/channel.ts';
import { sms } from './sms/channel.ts';
import { webhook } from './webhook/channel.ts';

const BUILT_IN: readonly Channel[] = [email, sms, push, inapp, webhook, slack, pagerduty, log];

const installed = await installedChannels(
  process.env[CHANNEL_MODULES_VARIABLE],
  process.cwd(),
  BUILT_IN.map(({ id }) => id),
);

export const CHANNELS: readonly Channel[] = [...BUILT_IN, ...installed.channels];

/** Of modules that gave no channel. */
export const CHANNEL_PROBLEMS: readonly string[] = installed.problems;

export const CHANNEL_IDS: readonly string[] = CHANNELS.map(({ id }) => id);

/** Options of the channels that are configured, by their names. */
export type ChannelOptions = Readonly<Record<string, object>>;

/** `type` of a channel's options, else its name, says what it is; undefined: nothing that there is. */
export function channelOf(name: string, options: object | undefined): Channel | undefined {
  const { type = name } = (options ?? {}) as { type?: string };
  return CHANNELS.find(({ id }) => id === type);
}

/** All names that rules may send to: the channels, and those that the configuration adds. */
export function channelNames(configured: ChannelOptions): readonly string[] {
  const added = Object.keys(configured).filter((name) => !CHANNEL_IDS.includes(name));
  return [...CHANNEL_IDS, ...added.sort()];
}

/** Of those that the configuration adds, by name: the channel that each is. */
export function channelTypes(configured: ChannelOptions): ReadonlyMap<string, string> {
  const added = Object.entries(configured).filter(([name]) => !CHANNEL_IDS.includes(name));
  return new Map(added.map(([name, options]) => [name, channelOf(name, options)?.id ?? name]));
}

export interface ConnectedChannel {
  /** Whose actions are delivered. */
  readonly name: string;
  /** What delivers them: the channel itself, or `log` in its place. */
  readonly channel: Channel;
  readonly connector: Connector<unknown>;
  readonly options: object;
}

/** Those whose actions are delivered here, in the order of the configuration. */
export function connectedChannels(configured: ChannelOptions): readonly ConnectedChannel[] {
  const of = (name: string, channel: Channel | undefined, options: object): ConnectedChannel[] =>
    channel === undefined || channel.connector === null
      ? []
      : [{ name, channel, connector: channel.connector, options }];
  const own = Object.entries(configured).flatMap(([name, options]) => of(name, channelOf(name, options), options));
  const printed = configured[log.id] as { readonly standIn?: boolean } | undefined;
  if (printed?.standIn !== true) return own;
  const others = CHANNEL_IDS.filter((name) => configured[name] === undefined);
  return [...own, ...others.flatMap((name) => of(name, log, printed))];
}

/**
 * What rules and gates know of each channel. A channel that is not configured needs no address here: somebody else delivers
 * it, who may know one. `isLive`: false where nothing is sent, and so every channel reaches everybody.
 */
export function channelTraits(configured: ChannelOptions, isLive = true): ReadonlyMap<string, ChannelTraits> {
  return new Map(
    channelNames(configured).flatMap((name): [string, ChannelTraits][] => {
      const options = configured[name];
      const channel = channelOf(name, options);
      if (channel === undefined) return [];
      const { traits, connector } = channel;
      const needsAddress = isLive && options !== undefined && connector?.standsInForAddress?.(options) !== true;
      return [[name, needsAddress ? traits : { ...traits, addresses: null }]];
    }),
  );
}
