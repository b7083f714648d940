// The channels, each a line, and after them those that the user installed.

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

export interface ConnectedChannel {
  /** Whose actions are delivered. */
  readonly id: string;
  /** What delivers them: the channel itself, or `log` in its place. */
  readonly channel: Channel;
  readonly connector: Connector<unknown>;
  readonly options: object;
}

/** Those whose actions are delivered here. */
export function connectedChannels(configured: ChannelOptions): ConnectedChannel[] {
  const standIn = (configured[log.id] as { standIn?: boolean } | undefined)?.standIn === true ? log : null;
  return CHANNELS.flatMap((own) => {
    const channel = configured[own.id] === undefined ? standIn : own;
    const options = channel === null ? undefined : configured[channel.id];
    if (channel === null || channel.connector === null || options === undefined) return [];
    return [{ id: own.id, channel, connector: channel.connector, options }];
  });
}

/**
 * What rules and gates know of each channel. A channel without a connector here needs no address: somebody else delivers
 * it, who may know one.
 */
export function channelTraits(configured: ChannelOptions): ReadonlyMap<string, ChannelTraits> {
  return new Map(
    CHANNELS.map(({ id, traits, connector }) => {
      const options = configured[id];
      const needsAddress = options !== undefined && connector?.standsInForAddress?.(options) !== true;
      return [id, needsAddress ? traits : { ...traits, addresses: null }];
    }),
  );
}
