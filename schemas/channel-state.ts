// Whether a channel is in use, said to all workers. Written to tripline.channels, compacted, as JSON under the channel's name;
// without a record it is enabled.

import { isJsonObject } from './json.ts';

export interface ChannelState {
  readonly state: 'enabled' | 'disabled';
  /** Why; null: nobody said. */
  readonly reason: string | null;
  /** Wall time, ms since 1970. */
  readonly at: number;
  /** Who said so: `provider`, or whoever ran the command. */
  readonly by: string;
  /** What waits for a next attempt is tried at once, as of this wall time, ms; null: nobody asked for that. */
  readonly retryAt: number | null;
}

export const ENABLED: ChannelState = { state: 'enabled', reason: null, at: 0, by: '', retryAt: null };

export function encodeChannelState(state: ChannelState): Uint8Array {
  return Buffer.from(JSON.stringify(state));
}

/** Undefined: it is none. */
export function decodeChannelState(bytes: Uint8Array): ChannelState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { state, reason, at, by, retryAt } = value;
  if (state !== 'enabled' && state !== 'disabled') return undefined;
  return {
    state,
    reason: typeof reason === 'string' ? reason : null,
    at: typeof at === 'number' ? at : 0,
    by: typeof by === 'string' ? by : '',
    retryAt: typeof retryAt === 'number' ? retryAt : null,
  };
}
