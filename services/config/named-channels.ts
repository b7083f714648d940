// Settings of channels that the configuration names: the schema has only those that have their type's own name.

import { CHANNEL_IDS, channelOf } from '../../connectors/channels/index.ts';
import { type FieldSchema, type Setting, settingsOf } from './environment.ts';

/** `channels` as it was read, checked or not. No variable sets any of them. */
export function namedChannelSettings(channels: unknown): readonly Setting[] {
  if (typeof channels !== 'object' || channels === null) return [];
  return Object.entries(channels as Record<string, unknown>).flatMap(([name, options]) => {
    if (CHANNEL_IDS.includes(name) || typeof options !== 'object' || options === null) return [];
    const connector = channelOf(name, options)?.connector;
    return connector ? settingsOf(connector.options as FieldSchema, ['channels', name]) : [];
  });
}
