import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rendering, SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { toldSender } from '../../../../connectors/channels/delivery/told-sender.ts';
import { attempting } from '../../../../testing/attempting.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from './fake-context.ts';

const NO_ABORT = new AbortController().signal;

function told(results: readonly SendResult[]) {
  const clock = new FakeClock();
  const lines: (readonly [string, object])[] = [];
  const logger = {
    info: () => {},
    error: () => {},
    warn: (fields: object, text: string) => void lines.push([text, fields]),
  };
  const left = [...results];
  const message = { address: null, content: {} };
  const render = (): Rendering => ({ outcome: 'rendered', message });
  const inner = { render, send: () => Promise.resolve(left.shift()!), close: () => Promise.resolve() };
  const sender = attempting(toldSender(inner, { channel: 'webhook', clock, logger }));
  return { clock, lines, send: () => sender.send(makeAction(), 1, NO_ABORT) };
}

const DOWN: SendResult = { outcome: 'retry', reason: 'HTTP 503' };

test('a provider that is down is told once a minute, with how often it failed meanwhile, and no result changes (T2)', async () => {
  const { clock, lines, send } = told(Array.from({ length: 5 }, () => DOWN));
  for (let i = 0; i < 4; i++) assert.equal(await send(), DOWN);
  await clock.advance(60_000);
  await send();
  const text = 'a message was not delivered, and is tried again';
  assert.deepEqual(lines, [
    [text, { channel: 'webhook', reason: 'HTTP 503', attempt: 1 }],
    [text, { channel: 'webhook', reason: 'HTTP 503', attempt: 1, moreSinceLast: 3 }],
  ]);
});

test('what is delivered, skipped, or failed for good is not told here', async () => {
  const { lines, send } = told([
    { outcome: 'delivered', providerId: null },
    { outcome: 'skipped', reason: 'no address' },
    { outcome: 'failed', reason: 'SMTP 550' },
  ]);
  for (let i = 0; i < 3; i++) await send();
  assert.deepEqual(lines, []);
});

test('a provider with a new reason each time is told a bounded number of times', async () => {
  const { lines, send } = told(
    Array.from({ length: 50 }, (_, i): SendResult => ({ outcome: 'retry', reason: `no ${i}` })),
  );
  for (let i = 0; i < 50; i++) await send();
  assert.equal(lines.length, 21);
});
