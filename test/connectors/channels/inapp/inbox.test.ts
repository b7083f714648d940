import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AGE_MS_MAX,
  applyCommand,
  emptyInbox,
  goodMessages,
  type Inbox,
  inboxSpec,
  isUnread,
  MESSAGES_MAX,
  shown,
} from '../../../../connectors/channels/inapp/inbox.ts';
import { decodeInboxCommand, encodeInboxCommand, INBOX_STATES, type InboxCommand } from '../../../../schemas/inbox.ts';
import { documentBytes, documentOf } from '../../../../state/store/stored-document.ts';

const ORIGIN = { decision: 'd1', rule: 'r', ruleVersion: 'v', attempt: 1, flow: null, step: 0, variant: null };

function message(id: string, fields: Partial<Extract<InboxCommand, { kind: 'message' }>> = {}): InboxCommand {
  const content = { title: `Title ${id}`, body: 'Text', url: null, image: null };
  return { kind: 'message', id, content, validUntil: null, origin: ORIGIN, ...fields };
}

function inboxWith(...ids: readonly string[]): Inbox {
  const inbox = emptyInbox();
  ids.forEach((id, offset) => void applyCommand(inbox, message(id), offset, 1_000 + offset));
  return inbox;
}

test('a message that was delivered twice is there once (B2)', () => {
  const inbox = inboxWith('a', 'b', 'a');
  assert.deepEqual(
    inbox.messages.map(({ id, at }) => [id, at]),
    [
      ['a', 1_000],
      ['b', 1_001],
    ],
  );
  assert.equal(inbox.revision, 2);
});

test('a state is reached once, and of a message that is there (B2)', () => {
  const inbox = inboxWith('a');
  assert.equal(applyCommand(inbox, { kind: 'state', id: 'a', state: 'read' }, 5, 2_000)!.id, 'a');
  assert.equal(applyCommand(inbox, { kind: 'state', id: 'a', state: 'read' }, 6, 3_000), null);
  assert.equal(applyCommand(inbox, { kind: 'state', id: 'none', state: 'read' }, 7, 3_000), null);
  assert.deepEqual([inbox.revision, inbox.messages[0]!.revision, inbox.messages[0]!.states], [7, 5, ['read']]);
});

test('seeing is not reading; every other state is', () => {
  for (const state of INBOX_STATES) {
    const inbox = inboxWith('a');
    assert.equal(isUnread(inbox.messages[0]!), true);
    applyCommand(inbox, { kind: 'state', id: 'a', state }, 1, 2_000);
    assert.equal(isUnread(inbox.messages[0]!), state === 'seen', state);
    assert.equal(shown(inbox.messages[0]!).state, state);
  }
});

test('the state shown is the furthest, in whatever order they come', () => {
  const inbox = inboxWith('a');
  assert.equal(shown(inbox.messages[0]!).state, 'delivered');
  for (const state of ['archived', 'seen', 'read'] as const)
    applyCommand(inbox, { kind: 'state', id: 'a', state }, 1, 2_000);
  assert.equal(shown(inbox.messages[0]!).state, 'archived');
});

test('of more messages than fit the oldest go (B1)', () => {
  const ids = Array.from({ length: MESSAGES_MAX + 3 }, (_, n) => `m${n}`);
  const { messages } = inboxWith(...ids);
  assert.deepEqual(
    [messages.length, messages[0]!.id, messages.at(-1)!.id],
    [MESSAGES_MAX, 'm3', `m${MESSAGES_MAX + 2}`],
  );
});

test('a message goes when it is no longer valid, or old, and one that is not valid is not taken (B1)', () => {
  const inbox = emptyInbox();
  applyCommand(inbox, message('short', { validUntil: 5_000 }), 0, 1_000);
  applyCommand(inbox, message('long'), 1, 1_000);
  applyCommand(inbox, message('over', { validUntil: 1_000 }), 2, 1_000);
  assert.equal(inboxSpec.dueAt(inbox), 5_000);
  assert.deepEqual(
    goodMessages(inbox, 5_000).map(({ id }) => id),
    ['long'],
  );
  assert.deepEqual(goodMessages(inbox, 1_000 + AGE_MS_MAX), []);
});

test('an inbox is stored and read as it is', () => {
  const inbox = inboxWith('a', 'b');
  applyCommand(inbox, { kind: 'state', id: 'a', state: 'clicked' }, 9, 2_000);
  assert.deepEqual(structuredClone(documentOf(inboxSpec, documentBytes(inboxSpec, inbox))), inbox);
  assert.equal(inboxSpec.dueAt(emptyInbox()), Infinity);
});

test('a record that is no command is refused, and not repeated in the words of it', () => {
  assert.deepEqual(decodeInboxCommand(encodeInboxCommand(message('a'))), message('a'));
  for (const text of ['', 'secret', '[]', '{"kind":"state","id":"a","state":"eaten"}', '{"kind":"message","id":"a"}']) {
    assert.throws(() => decodeInboxCommand(Buffer.from(text)), {
      code: 'TRG_RECORD_UNREADABLE',
      message: 'the record is no command to an inbox',
    });
  }
});
