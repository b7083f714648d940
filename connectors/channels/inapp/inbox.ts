// The inbox of one person: messages, what was done with them, and how many are unread.
//
// Owns: the document, its bytes and bounds, what a command changes. Does not own: records (keep-inbox.ts).
//
// Invariants:
//   B1. Bounded: MESSAGES_MAX messages, the oldest go first; each for AGE_MS_MAX, or until it is no longer valid.
//   B2. A message is there once, however often it was delivered; each state is reached once, however often it is told.

import { stateCodec } from '../../../schemas/codec.ts';
import type { InboxCommand, InboxContent, InboxOrigin, InboxState } from '../../../schemas/inbox.ts';
import type { DocumentSpec } from '../../../state/store/api.ts';

/** Of more than these nobody reads the first. With 16 KB each the document stays below 2 MB. */
export const MESSAGES_MAX = 100;
export const AGE_MS_MAX = 30 * 24 * 3_600_000;

export interface InboxMessage {
  readonly id: string;
  /** Wall time of its arrival, ms. */
  readonly at: number;
  /** Wall time at which it goes, ms. */
  readonly until: number;
  /** Offset of the last command that changed it. */
  revision: number;
  readonly content: InboxContent;
  readonly origin: InboxOrigin;
  /** What the person did with it, in order. */
  states: InboxState[];
}

export interface Inbox {
  /** Offset of the last command that was looked at. */
  revision: number;
  /** In order of arrival. */
  messages: InboxMessage[];
}

const codec = stateCodec<Inbox>('state/inbox');

export const inboxSpec: DocumentSpec<Inbox> = {
  encode: (doc, out) => codec.write(doc, out),
  decode: (input) => codec.read(input),
  dueAt: ({ messages }) => messages.reduce((first, { until }) => Math.min(first, until), Infinity),
  dueBy: 'wall-time',
};

export function emptyInbox(): Inbox {
  return { revision: -1, messages: [] };
}

/** The message whose state is a new one; null: nothing was reached. Changes the document. */
export function applyCommand(inbox: Inbox, command: InboxCommand, offset: number, now: number): InboxMessage | null {
  inbox.revision = offset;
  const known = inbox.messages.find(({ id }) => id === command.id);
  if (command.kind === 'state') {
    if (known === undefined || known.states.includes(command.state)) return null;
    known.states.push(command.state);
    known.revision = offset;
    return known;
  }
  if (known !== undefined) return null;
  const { id, content, origin, validUntil } = command;
  const until = Math.min(now + AGE_MS_MAX, validUntil ?? Infinity);
  if (until > now) inbox.messages.push({ id, at: now, until, revision: offset, content, origin, states: [] });
  inbox.messages.splice(0, inbox.messages.length - MESSAGES_MAX);
  return null;
}

/** Those that are still good at `now`. */
export function goodMessages({ messages }: Inbox, now: number): InboxMessage[] {
  return messages.filter(({ until }) => until > now);
}

/** A message as clients see it. */
export interface ShownMessage {
  readonly id: string;
  /** ISO-8601. */
  readonly at: string;
  readonly title: string;
  readonly body: string;
  readonly url: string | null;
  readonly image: string | null;
  readonly state: 'delivered' | InboxState;
}

/** The last of these that was reached is the message's state. */
const RANK: readonly InboxState[] = ['seen', 'read', 'clicked', 'dismissed', 'archived'];

export function shown({ id, at, content, states }: InboxMessage): ShownMessage {
  const state = RANK.findLast((each) => states.includes(each)) ?? 'delivered';
  const { title, body, url, image } = content;
  return { id, at: new Date(at).toISOString(), title, body, url, image, state };
}

/** Whether it counts as unread: seeing that it is there is not reading it. */
export function isUnread({ states }: Pick<InboxMessage, 'states'>): boolean {
  return states.every((state) => state === 'seen');
}
