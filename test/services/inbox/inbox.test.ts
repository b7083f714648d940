import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyCommand, emptyInbox, inboxSpec } from '../../../connectors/channels/inapp/inbox.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { type InboxAnswer, inboxService } from '../../../services/inbox/inbox.ts';
import type { LiveTasks, PeerQuestion, ServiceContext } from '../../../services/service-context.ts';
import { documentBytes } from '../../../state/store/stored-document.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import type { LookUpAnswer } from '../../../topology/engine/questions.ts';

const PARTITIONS = 4;
const PARTITION = partitionOf(Buffer.from('u1'), PARTITIONS);
const NOTHING: LookUpAnswer = { tasks: [], opening: [], isSettled: true, found: [] };
const OWN_TASK = { task: `inbox_${PARTITION}`, partition: PARTITION, rules: 0, streamTime: -1 };

/** A worker whose threads answer so; `peers`: what the others answer. */
function contextOf(answer: LookUpAnswer, peers: InboxAnswer | null | 'none' = 'none') {
  const asked: PeerQuestion<InboxAnswer>[] = [];
  const live: LiveTasks = { lookUp: () => Promise.resolve(answer) };
  const context = {
    config: { application: 'shop', channels: { inapp: { secret: 'some secret' } } },
    clock: new FakeClock(),
    live,
    log: async () => ({ admin: { topics: async () => new Map([['shop-inbox-commands', PARTITIONS]]) } }),
    peers:
      peers === 'none'
        ? null
        : {
            ask: async (question: PeerQuestion<InboxAnswer>) => {
              asked.push(question);
              return peers;
            },
          },
  } as unknown as ServiceContext;
  return { context, asked };
}

const read = (context: ServiceContext, isForwarded = false): Promise<InboxAnswer> =>
  inboxService.run(
    context,
    { user: 'u1' },
    { signal: new AbortController().signal, isForwarded },
  ) as Promise<InboxAnswer>;

function stored(): Uint8Array {
  const inbox = emptyInbox();
  const content = { title: 'Hello', body: 'Text', url: null, image: null };
  const origin = { decision: 'd', rule: 'r', ruleVersion: 'v', attempt: 1, flow: null, step: 0, variant: null };
  const now = new FakeClock().now();
  applyCommand(inbox, { kind: 'message', id: 'a', content, validUntil: null, origin }, 3, now);
  applyCommand(inbox, { kind: 'message', id: 'b', content, validUntil: now + 1, origin }, 4, now - 10);
  applyCommand(inbox, { kind: 'state', id: 'a', state: 'seen' }, 9, now);
  const due = Buffer.alloc(8);
  due.writeDoubleBE(inboxSpec.dueAt(inbox));
  return Buffer.concat([due, documentBytes(inboxSpec, inbox)]);
}

test('an inbox that is kept here is shown as it is, the newest message first', async () => {
  const { context } = contextOf({ ...NOTHING, found: [{ task: 'inbox_0', rules: 0, value: stored() }] });
  const { inbox } = await read(context);
  assert.deepEqual([inbox!.revision, inbox!.unread], [9, 2]);
  assert.deepEqual(
    inbox!.entries.map(({ message, revision, states }) => [message.id, message.state, revision, [...states]]),
    [
      ['b', 'delivered', 4, []],
      ['a', 'seen', 9, ['seen']],
    ],
  );
});

test('it is empty for who has its task, and for nobody else (X1)', async () => {
  const own = contextOf({ ...NOTHING, tasks: [OWN_TASK] }, { inbox: null });
  assert.deepEqual(await read(own.context), { inbox: { revision: -1, entries: [], unread: 0 } });
  assert.equal(own.asked.length, 0);
  assert.deepEqual(await read(contextOf(NOTHING).context, true), { inbox: null });
  await assert.rejects(read(contextOf(NOTHING).context), { code: 'TRG_TASK_MOVING' });
});

test('a task that is being restored is waited for', async () => {
  for (const answer of [
    { ...NOTHING, opening: [PARTITION] },
    { ...NOTHING, isSettled: false },
  ]) {
    await assert.rejects(read(contextOf(answer, { inbox: null }).context), { code: 'TRG_TASK_MOVING' });
  }
});

test('another worker’s inbox is asked for there, by the partition that the user is in', async () => {
  const theirs: InboxAnswer = { inbox: { revision: 5, entries: [], unread: 0 } };
  const { context, asked } = contextOf(NOTHING, theirs);
  assert.deepEqual(await read(context), theirs);
  const [{ operation, input, place, judge }] = asked as [PeerQuestion<InboxAnswer>];
  assert.deepEqual([operation, input], ['inbox.read', { user: 'u1' }]);
  assert.deepEqual(place, { topic: 'shop-inbox-commands', partition: PARTITION });
  assert.deepEqual([judge(theirs), judge({ inbox: null })], ['found', 'elsewhere']);
});
