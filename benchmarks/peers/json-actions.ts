// Actions as the peers write them that are not Tripline: `{"rule":…,"user":…,"at":…}`.

import type { LogRecord } from '../../schemas/record.ts';
import type { PeerAction, PeerActions } from './peer.ts';

export function jsonActions(application: string): PeerActions {
  return { topic: `${application}-actions`, decode };
}

function decode({ value }: LogRecord): PeerAction {
  return JSON.parse(Buffer.from(value!).toString()) as PeerAction;
}
