// Channels of the user's own: modules named in the environment, each of which exports a channel made by `defineChannel`.
//
// Owns: finding and loading them, refusing what is none. Does not own: what a channel is (channel.ts). The environment and not
// tripline.yaml names them, since the file's own shape follows from the channels there are.
//
// Edge `channel-module`: a module with a channel of one's own is loaded.
//   throws: a mistake of the configuration, by the module's name, beside all others
//   rejects: as a throw
//   hangs: cannot: it is loaded once, by who chose it, and a start that waits for it says so by not going on
//   too large: cannot: a module has no size that counts here
//   only in connectors/channels/installed.ts: import(pathToFileURL(

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Channel } from './channel.ts';

export const CHANNEL_MODULES_VARIABLE = 'TRIPLINE_CHANNEL_MODULES';

export interface InstalledChannels {
  readonly channels: readonly Channel[];
  /** One for each module that gives no channel; whoever reads the configuration says them. */
  readonly problems: readonly string[];
}

const ID = /^[a-z][a-z0-9-]{0,40}$/;

/**
 * `modules`: paths and packages, with commas between them, looked up from `folder`. A module's default export is a channel, or
 * a list of them.
 */
export async function installedChannels(
  modules: string | undefined,
  folder: string,
  taken: readonly string[],
): Promise<InstalledChannels> {
  const channels: Channel[] = [];
  const problems: string[] = [];
  const names = (modules ?? '').split(',').map((name) => name.trim());
  for (const name of names.filter((each) => each !== '')) {
    let found: unknown;
    try {
      const path = createRequire(join(folder, 'tripline.yaml')).resolve(name);
      ({ default: found } = (await import(pathToFileURL(path).href)) as { default?: unknown });
    } catch (error) {
      problems.push(`${name} cannot be loaded: ${(error as Error).message.split('\n', 1)[0]}`);
      continue;
    }
    for (const channel of [found].flat()) {
      const wrong = wrongIn(channel, [...taken, ...channels.map(({ id }) => id)]);
      if (wrong === null) channels.push(channel as Channel);
      else problems.push(`${name}: ${wrong}`);
    }
  }
  return { channels, problems };
}

function wrongIn(value: unknown, taken: readonly string[]): string | null {
  const { id, traits, connector } = (value ?? {}) as Partial<Channel>;
  if (typeof id !== 'string' || traits === undefined || typeof connector?.open !== 'function') {
    return 'its default export is no channel: make one with defineChannel of tripline/channel';
  }
  if (!ID.test(id)) return `the channel's id "${id}" is not lower-case letters, digits and hyphens`;
  return taken.includes(id) ? `there is a channel "${id}" already` : null;
}
