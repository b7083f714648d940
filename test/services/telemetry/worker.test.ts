import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../testing/until.ts';
import type { Received } from '../../connectors/channels/webhook/receiver.ts';
import { parsePrometheus, startCollector, startWorker, sumOf } from './kit.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const LIMIT = { timeout: 60_000 };

function purchase(user: string) {
  return { type: 'track', userId: user, event: 'purchase', messageId: `m-${user}` };
}

/** What a webhook says: the rule's own data, and ours. */
function dataOf({ body }: Received): { readonly user: string; readonly tripline: { readonly decision: string } } {
  return JSON.parse(body).data;
}

for (const threads of [1, 2]) {
  test(`what a worker did is scraped from /metrics, with threads: ${threads}`, LIMIT, async (t) => {
    const worker = await startWorker(t, `threads: ${threads}`);
    const users = ['u1', 'u2', 'u3', 'u4', 'u5'];
    assert.equal(await worker.post('/v1/batch', { batch: users.map(purchase) }), 200);
    assert.equal(await worker.post('/v1/track', purchase('u1')), 200);
    assert.equal(await worker.post('/v1/track', { userId: 'u1' }), 400);
    await worker.receiver.untilReceived(5);
    const scraped = async () => parsePrometheus((await worker.get('/metrics')).text);
    // Threads beside this one report once a second.
    await until(async () => sumOf(await scraped(), 'tripline_deliveries_total', 'outcome="delivered"') >= 5);
    await until(async () => sumOf(await scraped(), 'tripline_events_duplicate_total') >= 1);
    const series = await scraped();
    const sum = (name: string, ...labels: string[]): number => sumOf(series, name, ...labels);

    assert.equal(sum('tripline_ingest_events_total', 'thread="main"'), 6);
    assert.equal(sum('tripline_ingest_requests_total', 'status="200"'), 2);
    assert.equal(sum('tripline_ingest_requests_total', 'status="400"'), 1);
    assert.equal(sum('tripline_records_processed_total', 'topic="events.shop"'), 6);
    assert.equal(sum('tripline_decisions_total', 'rule="thanks"', 'outcome="fired"'), 5);
    assert.equal(sum('tripline_deliveries_total', 'channel="webhook"', 'outcome="delivered"'), 5);
    assert.equal(sum('tripline_delivery_latency_seconds_count', 'channel="webhook"'), 5);
    assert.equal(sum('tripline_decision_latency_seconds_count', 'urgency="operational"'), 5);
    assert.equal(sum('tripline_decision_latency_from_read_seconds_count', 'urgency="operational"'), 5);
    assert.equal(sum('tripline_record_lateness_seconds_count', 'part="entities"'), 6);
    assert.equal(sum('tripline_ready'), threads);
    assert.equal(sum('tripline_lag', 'topic="events.shop"'), 0);
    assert.ok(sum('tripline_commit_latency_seconds_count') >= 2);
    assert.ok(sum('tripline_documents_read_total', 'from="nowhere"') >= 5);
    for (const name of [
      'tripline_stream_time_lag_seconds',
      'tripline_heap_used_bytes',
      'tripline_memory_resident_bytes',
    ]) {
      assert.ok(sum(name) > 0, name);
    }
    const wanted = threads === 1 ? ['0', 'main'] : ['0', '1', 'main'];
    const seen = new Set([...series.keys()].flatMap((id) => /thread="(\w+)"/.exec(id)?.[1] ?? []));
    assert.deepEqual([...seen].toSorted(), wanted);
    const ids = [...series.keys()].join();
    for (const user of users) assert.ok(!ids.includes(user), 'no user data in labels');
  });
}

test('a request’s traceparent reaches the webhook, under a span that follows from the decision', LIMIT, async (t) => {
  const worker = await startWorker(t, '');
  await worker.post('/v1/track', purchase('traced'), { traceparent: `00-${TRACE}-${SPAN}-00` });
  await worker.post('/v1/track', purchase('wrong'), { traceparent: 'whatever' });
  await worker.post('/v1/track', purchase('without'));
  await worker.receiver.untilReceived(3);
  const traces = worker.receiver.received.map((request) => {
    const { user, tripline } = dataOf(request);
    return [user, request.headers['traceparent'], tripline.decision.slice(0, 16)] as const;
  });
  const byUser = new Map(traces.map(([user, traceparent, decision]) => [user, { traceparent, decision }]));
  const { traceparent, decision } = byUser.get('traced')!;
  assert.equal(traceparent, `00-${TRACE}-${decision}-00`);
  assert.equal(byUser.get('wrong')!.traceparent, undefined);
  assert.equal(byUser.get('without')!.traceparent, undefined);
});

for (const threads of [1, 2]) {
  const title = `with a collector, its metrics and one trace from the request to the webhook arrive there, threads: ${threads}`;
  test(title, LIMIT, async (t) => {
    const collector = await startCollector(t);
    const worker = await startWorker(
      t,
      `threads: ${threads}
telemetry: { otlp: { url: "${collector.url}", headers: { x-key: secret }, interval: 200ms }, traces: { sampleRatio: 0 } }`,
    );
    await worker.post('/v1/track', purchase('u1'), { traceparent: `00-${TRACE}-${SPAN}-01` });
    await worker.post('/v1/track', purchase('u2'), { traceparent: `00-${'1'.repeat(32)}-${SPAN}-00` });
    await worker.receiver.untilReceived(2);
    await worker.stop();

    const ours = collector.spans.filter(({ traceId }) => traceId === TRACE);
    const byName = new Map(ours.map((span) => [span.name, span]));
    const [received, decided, delivered] = ['POST /v1/track', 'decide', 'deliver webhook'].map(
      (name) => byName.get(name)!,
    );
    assert.equal(received!.parentSpanId, SPAN);
    assert.equal(decided!.parentSpanId, received!.spanId);
    assert.equal(delivered!.parentSpanId, decided!.spanId);
    const hook = worker.receiver.received.find(({ headers }) => String(headers['traceparent']).includes(TRACE))!;
    assert.equal(hook.headers['traceparent'], `00-${TRACE}-${delivered!.spanId}-01`);
    assert.equal(decided!.spanId, dataOf(hook).tripline.decision.slice(0, 16));
    for (const span of ours) assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
    // Its beginner does not keep the other trace, and none is begun here.
    assert.equal(collector.spans.length, 3);

    assert.ok(collector.metrics.has('tripline.decision.latency'));
    const decisions = collector.metrics.get('tripline.decisions') as {
      unit: string;
      sum: { isMonotonic: boolean; dataPoints: readonly { asDouble: number }[] };
    };
    assert.equal(decisions.unit, '{decision}');
    assert.equal(decisions.sum.isMonotonic, true);
    assert.equal(
      decisions.sum.dataPoints.reduce((sum, { asDouble }) => sum + asDouble, 0),
      2,
    );
    assert.deepEqual([...collector.resources], ['shop']);
    assert.deepEqual([...new Set(collector.requests.map(({ path }) => path))].toSorted(), [
      '/v1/metrics',
      '/v1/traces',
    ]);
    assert.ok(collector.requests.every(({ key }) => key === 'secret'));
  });
}

test(
  'traces that begin here are sampled: turns with their parts, and requests without a traceparent',
  LIMIT,
  async (t) => {
    const collector = await startCollector(t);
    const telemetry = `telemetry: { otlp: { url: "${collector.url}" }, traces: { sampleRatio: 1 } }`;
    const worker = await startWorker(t, telemetry);
    await worker.post('/v1/track', purchase('u1'));
    await worker.receiver.untilReceived(1);
    await worker.stop();
    const { spans } = collector;
    const request = spans.find(({ name }) => name === 'POST /v1/track')!;
    assert.equal(request.parentSpanId, undefined);
    assert.ok(String(worker.receiver.received[0]!.headers['traceparent']).startsWith(`00-${request.traceId}-`));
    const commit = spans.find(({ name }) => name === 'commit')!;
    const turn = spans.find(({ spanId }) => spanId === commit.parentSpanId)!;
    assert.equal(turn.name, 'turn');
    const parts = spans.filter(({ parentSpanId }) => parentSpanId === turn.spanId).map(({ name }) => name);
    assert.deepEqual(parts, ['poll', 'process', 'commit']);
  },
);

test(
  'without write keys a worker takes no events, needs no source for them, and shows health and figures',
  LIMIT,
  async (t) => {
    const worker = await startWorker(
      t,
      'http: { port: 0 }\nsources: [{ topic: sensors, format: json, entity: device, id: deviceId, event: type, timestamp: ts }]',
    );
    assert.equal(await worker.post('/v1/track', purchase('u1')), 401);
    assert.equal((await worker.get('/health/live')).status, 200);
    const series = parsePrometheus((await worker.get('/metrics')).text);
    assert.equal(sumOf(series, 'tripline_ready'), 1);
    assert.equal(sumOf(series, 'tripline_ingest_events_total'), 0);
  },
);
