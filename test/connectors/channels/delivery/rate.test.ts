import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bucket, paceOf, parseRate, rateAt } from '../../../../connectors/channels/delivery/rate.ts';
import { ConnectorTask, makeAction } from './fake-context.ts';
import { FakeSender } from './fake-sender.ts';

const SECOND = 1_000;
const DAY = 86_400_000;

test('rates are read in messages a second', () => {
  assert.deepEqual(['100/s', '90/m', '36/h', '0.5/s', '86400/d'].map(parseRate), [100, 1.5, 0.01, 0.5, 1]);
});

test('in no stretch of time more goes than the rate gives, and a second of it on top (R2)', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(gaps, fc.constantFrom(0.5, 3, 50), (waits, perSecond) => {
      const bucket = new Bucket();
      const sent: number[] = [];
      let now = 0;
      for (const wait of waits) {
        now += wait;
        if (bucket.take(perSecond, now) === 0) sent.push(now);
      }
      for (const [from, start] of sent.entries()) {
        for (const [more, end] of sent.slice(from).entries()) {
          const allowed = ((end - start) * perSecond) / SECOND + Math.max(1, perSecond) + 1e-6;
          assert.ok(more + 1 <= allowed, `${more + 1} in ${end - start} ms at ${perSecond}/s`);
        }
      }
    }),
  );
});

test('warming up is slower at first, step by step, and never faster than the rate', () => {
  const from = '2026-01-01T00:00:00Z';
  const pace = paceOf({
    rate: '10/s',
    warmUp: {
      from,
      steps: [
        { for: '1d', rate: '1/s' },
        { for: '1d', rate: '20/s' },
      ],
    },
  });
  const start = Date.parse(from);
  assert.deepEqual(
    [start - 1, start, start + DAY - 1, start + DAY, start + 2 * DAY].map((now) => rateAt(pace, now)),
    [1, 1, 1, 10, 10],
  );
  assert.equal(rateAt(paceOf({}), start), null);
});

test('a task sends at its share of the rate, and all in the end', async () => {
  const sender = new FakeSender();
  const task = new ConnectorTask({
    channel: 'webhook',
    sender,
    desk: { pace: { perSecond: 40, warmUp: null }, partitions: 4 },
  });
  for (let i = 0; i < 30; i++) task.read(makeAction({ id: `a${i}`, entity: { type: 'user', id: `u${i}` } }));
  await task.begin();
  assert.equal(sender.sends.length, 1);
  for (let tenth = 0; tenth < 20; tenth++) {
    await task.advance(100);
    await task.begin();
  }
  assert.equal(sender.sends.length, 21);
  for (let tenth = 0; tenth < 10; tenth++) {
    await task.advance(100);
    await task.begin();
  }
  await task.settle();
  assert.equal(task.deliveries.length, 30);
});

test('the pace of a rule holds its own messages back, and nobody else’s', async () => {
  const sender = new FakeSender();
  const task = new ConnectorTask({ channel: 'webhook', sender });
  for (let i = 0; i < 5; i++) {
    task.read(makeAction({ id: `slow${i}`, rule: 'slow', ratePerSecond: 1, entity: { type: 'user', id: `s${i}` } }));
    task.read(makeAction({ id: `fast${i}`, rule: 'fast', entity: { type: 'user', id: `f${i}` } }));
  }
  await task.settle();
  const idsSent = (): string[] => sender.sends.map(({ action }) => action.id);
  assert.deepEqual(
    idsSent().filter((id) => id.startsWith('slow')),
    ['slow0'],
  );
  assert.equal(idsSent().filter((id) => id.startsWith('fast')).length, 5);
  for (let second = 1; second <= 4; second++) {
    await task.advance(SECOND);
    await task.settle();
    assert.equal(idsSent().filter((id) => id.startsWith('slow')).length, second + 1);
  }
});
