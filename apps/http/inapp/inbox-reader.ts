// Reads inboxes for whoever has them open: from this process where it keeps them, else through the worker that does.

import type { Clock } from '../../../lib/clock.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { type InboxView, inboxHere } from '../../../services/inbox/inbox.ts';
import { oneAnswer } from '../../../services/live/one-answer.ts';
import type { Answers } from '../../../services/live/socket-server.ts';
import type { LiveTasks } from '../../../services/service-context.ts';

export interface InboxReaderOptions {
  readonly live: LiveTasks;
  readonly answers: Answers;
  /** How many there are of the topic of inboxes. */
  readonly partitions: () => Promise<number>;
  readonly clock: Clock;
}

export type ReadInbox = (user: string, signal: AbortSignal) => Promise<InboxView>;

/** Reading throws RetryableError: a task is moving, a worker cannot be asked. */
export function inboxReader({ live, answers, partitions, clock }: InboxReaderOptions): ReadInbox {
  return async (user, signal) => {
    const partition = partitionOf(Buffer.from(user), await partitions());
    const here = await inboxHere(live, { user, partition, now: clock.now() }, signal);
    if (here !== null) return here;
    const { inbox } = await oneAnswer(answers, 'inbox.read', { user }, signal);
    return inbox!;
  };
}
