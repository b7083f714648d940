// A sender whose attempts that are made again are said in the worker's log: who starts a worker without its provider sees so at
// once. What failed for good is said by who gives it up (services/job/delivery.ts).
//
// Invariants:
//   T1. It changes no result, and says nothing of whom a message was for.
//   T2. A provider that is down says so once, and then once in TELL_MS with how often: the log does not grow with the traffic.

import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { ChannelSender } from './sender.ts';

const TELL_MS = 60_000;
/** Reasons are a handful; of a provider that makes up a new one each time no more are told apart. */
const REASONS_MAX = 20;
const OTHERS = 'other reasons';

interface Told {
  at: number;
  /** Since it was told. */
  untold: number;
}

export interface ToldOptions {
  readonly channel: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function toldSender(sender: ChannelSender, { channel, clock, logger }: ToldOptions): ChannelSender {
  const told = new Map<string, Told>();

  function tell(given: string, attempt: number): void {
    const reason = told.has(given) || told.size < REASONS_MAX ? given : OTHERS;
    const now = clock.now();
    const before = told.get(reason);
    if (before !== undefined && now - before.at < TELL_MS) {
      before.untold++;
      return;
    }
    const more = before?.untold ?? 0;
    told.set(reason, { at: now, untold: 0 });
    const fields = { channel, reason, attempt, ...(more > 0 && { moreSinceLast: more }) };
    logger.warn(fields, 'a message was not delivered, and is tried again');
  }

  return {
    render: (action) => sender.render(action),
    async send(outgoing, signal) {
      const result = await sender.send(outgoing, signal);
      if (result.outcome === 'retry') tell(result.reason, outgoing.attempt);
      return result;
    },
    close: () => sender.close(),
  };
}
