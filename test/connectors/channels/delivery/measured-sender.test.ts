import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuredSender } from '../../../../connectors/channels/delivery/measured-sender.ts';
import type { ChannelSender, SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import { Metrics } from '../../../../lib/metrics.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { Spans } from '../../../../lib/spans.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { attempting } from '../kit.ts';
import { makeAction } from './fake-context.ts';

const HOUR = 3_600_000;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const { signal } = new AbortController();

function setUp({ traces = true, result = { outcome: 'delivered', providerId: null } as SendResult } = {}) {
  const clock = new FakeClock(makeAction().at + 1_000);
  const metrics = new Metrics();
  const spans = traces ? new Spans({ rng: seededRng(1), sampleRatio: 0 }) : null;
  const passed: unknown[] = [];
  const inner: ChannelSender = {
    render: () => ({ outcome: 'rendered', message: { address: null, content: {} } }),
    async send({ traceparent }) {
      passed.push(traceparent);
      await clock.advance(30);
      return result;
    },
    close: async () => {},
  };
  const sender = attempting(measuredSender(inner, { channel: 'webhook', clock, metrics, spans }));
  const histogram = (name: string) =>
    metrics.snapshot().histograms.find((each) => each.name === name && each.count > 0);
  return { clock, sender, spans, passed, histogram };
}

test('an attempt is measured by its outcome, and what was delivered by its age', async () => {
  const { sender, histogram } = setUp();
  assert.deepEqual(await sender.send(makeAction(), 1, signal), { outcome: 'delivered', providerId: null });
  const latency = histogram('delivery-latency')!;
  assert.deepEqual(latency.labels, { channel: 'webhook', outcome: 'delivered' });
  assert.equal(latency.sum, 30);
  assert.equal(histogram('action-age')!.sum, 1_030);
});

test('what was not delivered, or is older than an hour, has no age', async () => {
  const failing = setUp({ result: { outcome: 'retry', reason: 'HTTP 500' } });
  await failing.sender.send(makeAction(), 1, signal);
  assert.equal(failing.histogram('action-age'), undefined);
  const old = setUp();
  await old.sender.send(makeAction({ at: old.clock.now() - HOUR - 1 }), 1, signal);
  assert.equal(old.histogram('action-age'), undefined);
});

test('each attempt is a span of its own in the action’s trace, and the provider is told its id', async () => {
  const { sender, spans, passed } = setUp();
  for (const attempt of [1, 2]) await sender.send(makeAction(), attempt, signal, TRACEPARENT);
  const [first, second] = spans!.take();
  assert.equal(first!.traceId, TRACE);
  assert.equal(first!.parentSpanId, 'b7ad6b7169203331');
  assert.equal(first!.endMs - first!.startMs, 30);
  assert.notEqual(first!.spanId, second!.spanId);
  assert.deepEqual(passed, [`00-${TRACE}-${first!.spanId}-01`, `00-${TRACE}-${second!.spanId}-01`]);
});

test('without traces, or in a trace that is not kept, the traceparent goes on as it is', async () => {
  const off = setUp({ traces: false });
  await off.sender.send(makeAction(), 1, signal, TRACEPARENT);
  await off.sender.send(makeAction(), 1, signal);
  assert.deepEqual(off.passed, [TRACEPARENT, null]);
  const unsampled = setUp();
  await unsampled.sender.send(makeAction(), 1, signal, TRACEPARENT.replace(/01$/, '00'));
  assert.deepEqual(unsampled.passed, [TRACEPARENT.replace(/01$/, '00')]);
  assert.deepEqual(unsampled.spans!.take(), []);
});
