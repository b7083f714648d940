// Open inboxes over a log in memory and a clock that the test moves.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type EventSink, InboxStreams } from '../../../../apps/http/inapp/streams.ts';
import { RetryableError } from '../../../../lib/errors.ts';
import type { InboxView } from '../../../../services/inbox/inbox.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../../testing/memory-log.ts';
import { until } from '../../../../testing/until.ts';

const TOPIC = 'shop-inbox-commands';
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const NO_ABORT = new AbortController().signal;

class Sink implements EventSink {
  text = '';
  waitingBytes = 0;
  isEnded = false;
  write(text: string): void {
    this.text += text;
  }
  end(): void {
    this.isEnded = true;
  }
  get ids(): string[] {
    return [...this.text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json!).id);
  }
}

/** An inbox of so many messages, one a revision from 0 on. */
function viewOf(count: number): InboxView {
  const entries = Array.from({ length: count }, (_, revision) => {
    const message = {
      id: `m${revision}`,
      at: '',
      title: '',
      body: '',
      url: null,
      image: null,
      state: 'delivered',
    } as const;
    return { message, states: [], revision };
  });
  return { revision: count - 1, entries: entries.reverse(), unread: count };
}

async function streamsFor(t: TestContext) {
  const clock = new FakeClock();
  const log = new MemoryLog(clock);
  await log.admin.createTopics([{ topic: TOPIC, partitions: 1 }]);
  const state = { count: 0, applied: Infinity, reads: 0, isMoving: false };
  const read = async (): Promise<InboxView> => {
    state.reads++;
    if (state.isMoving) throw new RetryableError('TRG_TASK_MOVING', 'moving');
    return viewOf(Math.min(state.count, state.applied));
  };
  const streams = new InboxStreams({ log, topic: TOPIC, read, clock, logger: silent });
  t.after(() => streams.close());
  const writer = await log.openWriter('test');
  /** A further message is in the topic, and in the inbox as far as `applied` says. */
  const add = async (user = 'u1'): Promise<void> => {
    const record = {
      topic: TOPIC,
      partition: 0,
      timestamp: 0,
      key: Buffer.from(user),
      value: Buffer.from('{}'),
      headers: [],
    };
    state.count++;
    writer.send([record]);
    await writer.commit('test', []);
    await setImmediate();
  };
  const open = async (lastId: number | null = null, user = 'u1') => {
    const sink = new Sink();
    return { sink, ...(await streams.open(user, lastId, sink, NO_ABORT)) };
  };
  return { streams, clock, state, add, open };
}

test('a stream is told what comes, and one that resumes what it missed (S1)', async (t) => {
  const { add, open } = await streamsFor(t);
  await add();
  const anew = await open();
  const resumed = await open(-1);
  assert.deepEqual([anew.sink.ids, resumed.sink.ids], [[], ['m0']]);
  await add();
  await until(() => anew.sink.ids.length === 1 && resumed.sink.ids.length === 2);
  assert.deepEqual([anew.sink.ids, resumed.sink.ids], [['m1'], ['m0', 'm1']]);
  assert.match(anew.sink.text, /id: 1\nevent: unread\ndata: 2\n\n$/);
});

test('what is in the topic and not yet in the inbox is waited for', async (t) => {
  const { add, open, state, clock } = await streamsFor(t);
  const { sink } = await open();
  state.applied = 0;
  await add();
  await until(async () => {
    await clock.advance(20);
    return state.reads > 4;
  });
  assert.deepEqual(sink.ids, []);
  state.applied = Infinity;
  await until(async () => {
    await clock.advance(20);
    return sink.ids.length === 1;
  });
});

test('an inbox that cannot be read fails the opening, and leaves nothing open', async (t) => {
  const { open, state, streams } = await streamsFor(t);
  state.isMoving = true;
  await assert.rejects(open(), { code: 'TRG_TASK_MOVING' });
  state.isMoving = false;
  const { sink } = await open();
  assert.equal(streams.isFull, false);
  assert.equal(sink.isEnded, false);
});

test('a reader that does not take what it is told is ended, and so is the oldest of too many (S2)', async (t) => {
  const { add, open } = await streamsFor(t);
  const slow = await open();
  slow.sink.waitingBytes = 1_000_000;
  await add();
  await until(() => slow.sink.isEnded);
  const opened = [];
  for (let n = 0; n < 6; n++) opened.push((await open()).sink.isEnded ? 'ended' : await Promise.resolve('open'));
  assert.deepEqual(opened, Array(6).fill('open'));
  const first = await open();
  for (let n = 0; n < 5; n++) await open();
  assert.equal(first.sink.isEnded, true);
});

test('nobody else’s messages are read, and nothing is once nobody listens (S3)', async (t) => {
  const { add, open, state } = await streamsFor(t);
  const opened = await open();
  const before = state.reads;
  await add('u2');
  await add('u1');
  await until(() => opened.sink.ids.length > 0);
  opened.close();
  const reads = state.reads;
  assert.ok(reads > before);
  await add('u1');
  await add('u1');
  assert.equal(state.reads, reads);
});

test('a stream that is quiet is kept alive', async (t) => {
  const { open, clock } = await streamsFor(t);
  const { sink } = await open();
  await clock.advance(60_000);
  assert.equal(sink.text.match(/^: still here$/gm)?.length, 3);
});
