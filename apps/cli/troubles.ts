// What became of messages that reached nobody, in words, for commands that show decisions.

import type { Undelivered, UndeliveredQuery } from '../../services/deliveries/undelivered.ts';
import { resultOf } from '../../services/operation.ts';
import type { Services } from '../../services/operations.ts';
import type { Io } from './command.ts';

/** As many as are looked at by a person; the log and the dead letters have all. */
const TROUBLES_MAX = 100_000;

/** By decision. */
export async function troublesOf(
  services: Services,
  query: UndeliveredQuery,
  io: Io,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const troubles = new Map<string, string[]>();
  await resultOf(services.ask('deliveries.undelivered', query, io.signal), (each) => {
    const others = troubles.get(each.decision);
    if (others !== undefined) others.push(words(each));
    else if (troubles.size < TROUBLES_MAX) troubles.set(each.decision, [words(each)]);
  });
  return troubles;
}

function words({ channel, state, reason, attempts }: Undelivered): string {
  const tried = attempts === 1 ? 'one attempt' : `${attempts} attempts`;
  if (state === 'waiting') return `${channel}: not delivered yet after ${tried}, tried again`;
  if (state === 'skipped') return `${channel}: not sent, ${reason}`;
  return `${channel}: failed, ${reason}${/attempts$/.test(reason ?? '') ? '' : ` (${tried})`}`;
}
