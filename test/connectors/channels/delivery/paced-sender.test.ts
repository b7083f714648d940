import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pacedSender } from '../../../../connectors/channels/delivery/paced-sender.ts';
import type { ChannelSender } from '../../../../connectors/channels/delivery/sender.ts';
import { FAKE_START, FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from './fake-context.ts';

function recording(clock: FakeClock) {
  const sent: (readonly [id: string, atMs: number])[] = [];
  const sender: ChannelSender = {
    render: () => ({ outcome: 'rendered', message: { address: null, content: {} } }),
    send: async ({ action }) => {
      sent.push([action.id, clock.now() - FAKE_START]);
      return { outcome: 'delivered', providerId: null };
    },
    close: async () => {},
  };
  return { sender, sent };
}

const outgoing = (id: string) => ({
  action: makeAction({ id }),
  message: { address: null, content: {} },
  attempt: 1,
  traceparent: null,
});

test('sends of one channel begin a second apart, in order, and a pause is not made up for (P1)', async () => {
  const clock = new FakeClock();
  const { sender, sent } = recording(clock);
  const paced = pacedSender(sender, 1, clock);
  const { signal } = new AbortController();
  const sends = ['a', 'b', 'c'].map((id) => paced.send(outgoing(id), signal));
  await setImmediate();
  assert.deepEqual(sent, [['a', 0]]);
  await clock.advance(10_000);
  await Promise.all(sends);
  const late = ['d', 'e'].map((id) => paced.send(outgoing(id), signal));
  await clock.advance(1_000);
  await Promise.all(late);
  assert.deepEqual(sent, [
    ['a', 0],
    ['b', 1_000],
    ['c', 2_000],
    ['d', 10_000],
    ['e', 11_000],
  ]);
});

test('who closes the task waits for nobody’s turn', async () => {
  const clock = new FakeClock();
  const { sender, sent } = recording(clock);
  const paced = pacedSender(sender, 1, clock);
  const stop = new AbortController();
  const sends = ['a', 'b'].map((id) => paced.send(outgoing(id), stop.signal));
  await setImmediate();
  stop.abort();
  await Promise.all(sends);
  assert.deepEqual(
    sent.map(([id]) => id),
    ['a', 'b'],
  );
  assert.equal(clock.sleeping, 0);
});
