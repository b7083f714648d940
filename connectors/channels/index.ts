// The channels, each a line.

import type { ChannelTraits } from '../../rules/gates/channels.ts';
import type { Channel } from './channel.ts';
import { email } from './email/channel.ts';
import { inapp } from './inapp/channel.ts';
import { pagerduty } from './pagerduty/channel.ts';
import { push } from './push/channel.ts';
import { slack } from './slack/channel.ts';
import { sms } from './sms/channel.ts';
import { webhook } from './webhook/channel.ts';

export const CHANNELS: readonly Channel[] = [email, sms, push, inapp, webhook, slack, pagerduty];

export const CHANNEL_IDS: readonly string[] = CHANNELS.map(({ id }) => id);

/** Options of the channels that are configured, by their names. */
export type ChannelOptions = Readonly<Record<string, object>>;

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
