// What is in somebody's inbox, as of now: from the task that keeps it, here or in another worker.
//
// Invariants:
//   X1. An inbox is said to be empty only by the worker that has its task.

import Type from 'typebox';
import { goodMessages, inboxSpec, isUnread, type ShownMessage, shown } from '../../connectors/channels/inapp/inbox.ts';
import { INBOX_STORE } from '../../connectors/channels/inapp/topology.ts';
import { RetryableError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { InboxState } from '../../schemas/inbox.ts';
import { storedDocument } from '../../state/store/document-store.ts';
import { inboxTopic } from '../../topology/topics.ts';
import { type Asked, service } from '../operation.ts';
import type { LiveTasks, ServiceContext, Verdict } from '../service-context.ts';

export interface InboxEntry {
  readonly message: ShownMessage;
  readonly states: readonly InboxState[];
  /** By which it changed last: of two, the later one is greater. */
  readonly revision: number;
}

export interface InboxView {
  /** -1: there is nothing. */
  readonly revision: number;
  /** The newest first. */
  readonly entries: readonly InboxEntry[];
  readonly unread: number;
}

export interface InboxAnswer {
  /** Null: whoever was asked does not know it. */
  readonly inbox: InboxView | null;
}

const EMPTY: InboxView = { revision: -1, entries: [], unread: 0 };

/** From the tasks of this process; null: another worker has the task. Throws RetryableError as LiveTasks does, TRG_TASK_MOVING. */
export async function inboxHere(
  live: LiveTasks,
  { user, partition, now }: { readonly user: string; readonly partition: number; readonly now: number },
  signal: AbortSignal,
): Promise<InboxView | null> {
  const { found, tasks, opening, isSettled } = await live.lookUp({ part: INBOX_STORE, key: user }, signal);
  const [first] = found;
  if (first !== undefined) {
    const { doc } = storedDocument(inboxSpec, user, first.value);
    const messages = goodMessages(doc, now).reverse();
    const entries = messages.map((each) => ({
      message: shown(each),
      states: each.states,
      revision: each.revision,
    }));
    return { revision: doc.revision, entries, unread: messages.filter(isUnread).length };
  }
  if (tasks.some((task) => task.partition === partition)) return EMPTY;
  if (opening.includes(partition) || !isSettled) {
    throw new RetryableError('TRG_TASK_MOVING', 'the state of the task that keeps this inbox is being restored');
  }
  return null;
}

const InboxSchema = Type.Object({ user: Type.String({ minLength: 1 }) }, { additionalProperties: false });

/** Throws RetryableError TRG_TASK_MOVING, TRG_PEER_UNREACHABLE, TRG_WORKER_BUSY. */
async function readInbox(
  context: ServiceContext,
  { user }: { readonly user: string },
  { signal, isForwarded }: Asked,
): Promise<InboxAnswer> {
  const { config, clock, live, peers } = context;
  if (live === null) throw new RetryableError('TRG_TASK_MOVING', 'no worker runs that keeps inboxes');
  const topic = inboxTopic(config.application);
  const partitions = (await (await context.log()).admin.topics()).get(topic) ?? 1;
  const partition = partitionOf(Buffer.from(user), partitions);
  const inbox = await inboxHere(live, { user, partition, now: clock.now() }, signal);
  if (inbox !== null || isForwarded) return { inbox };
  if (peers === null) throw new RetryableError('TRG_TASK_MOVING', 'the task that keeps this inbox is on its way');
  const judge = (answer: InboxAnswer): Verdict => (answer.inbox === null ? 'elsewhere' : 'found');
  const question = { operation: 'inbox.read', input: { user }, place: { topic, partition }, judge };
  return (await peers.ask(question, signal)) ?? { inbox: EMPTY };
}

export const inboxService = service(InboxSchema, readInbox);
