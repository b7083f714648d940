// What is in somebody's inbox, as of now: from the task that keeps it, here or in another worker.
//
// Invariants:
//   X1. An inbox is said to be empty only by the worker that has its task.

import Type from 'typebox';
import {
  goodMessages,
  type Inbox,
  inboxSpec,
  isUnread,
  type ShownMessage,
  shown,
} from '../../connectors/channels/inapp/inbox.ts';
import { INBOX_STORE } from '../../connectors/channels/inapp/topology.ts';
import { FatalError, RetryableError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { InboxState } from '../../schemas/inbox.ts';
import { storedDocument } from '../../state/store/stored-document.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { inboxTopic } from '../../topology/topics.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { LiveTasks, ServiceContext, Verdict } from '../service-context.ts';
import { foldDocument } from '../state/folded-state.ts';

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
    return viewOf(storedDocument(inboxSpec, user, first.value).doc, now);
  }
  if (tasks.some((task) => task.partition === partition)) return EMPTY;
  if (opening.includes(partition) || !isSettled) {
    throw new RetryableError('TRG_TASK_MOVING', 'the state of the task that keeps this inbox is being restored');
  }
  return null;
}

function viewOf(inbox: Inbox, now: number): InboxView {
  const messages = goodMessages(inbox, now).reverse();
  const entries = messages.map((each) => ({ message: shown(each), states: each.states, revision: each.revision }));
  return { revision: inbox.revision, entries, unread: messages.filter(isUnread).length };
}

const InboxSchema = Type.Object({ user: Type.String({ minLength: 1 }) }, { additionalProperties: false });

/**
 * Without a worker as of the last commit. Throws FatalError TRG_NAME_UNKNOWN where no inbox is configured, TRG_FILE_UNREADABLE without a
 * log; RetryableError TRG_TASK_MOVING, TRG_PEER_UNREACHABLE, TRG_WORKER_BUSY.
 */
async function readInbox(
  context: ServiceContext,
  { user }: { readonly user: string },
  asked: Asked,
): Promise<InboxAnswer> {
  const { config, clock, live, peers } = context;
  const { signal, isForwarded } = asked;
  if (config.channels['inapp'] === undefined) {
    throw new FatalError('TRG_NAME_UNKNOWN', 'there is no inbox: channels.inapp is not configured');
  }
  const topic = inboxTopic(config.application);
  const log = await context.log();
  const partitions = (await log.admin.topics()).get(topic);
  if (partitions === undefined) return { inbox: EMPTY };
  const partition = partitionOf(Buffer.from(user), partitions);
  if (live === null) {
    const changelog = { topic: changelogTopic(config.application, INBOX_STORE), partition };
    const stored = await foldDocument<Inbox>(log, changelog, inboxSpec, user, pauseOf(context, asked));
    return { inbox: stored === undefined ? EMPTY : viewOf(stored.doc, clock.now()) };
  }
  const inbox = await inboxHere(live, { user, partition, now: clock.now() }, signal);
  if (inbox !== null || isForwarded) return { inbox };
  if (peers === null) throw new RetryableError('TRG_TASK_MOVING', 'the task that keeps this inbox is on its way');
  const judge = (answer: InboxAnswer): Verdict => (answer.inbox === null ? 'elsewhere' : 'found');
  const question = { operation: 'inbox.read', input: { user }, place: { topic, partition }, judge };
  return (await peers.ask(question, signal)) ?? { inbox: EMPTY };
}

export const inboxService = service(InboxSchema, readInbox);
