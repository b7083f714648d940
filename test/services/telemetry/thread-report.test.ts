import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../../lib/rng.ts';
import { type Span, Spans } from '../../../lib/spans.ts';
import { readiness } from '../../../services/telemetry/health.ts';
import { reportOf, ThreadReports } from '../../../services/telemetry/thread-report.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { EngineMonitor } from '../../../topology/engine/monitor.ts';

const SPAN: Span = {
  name: 'turn',
  kind: 'internal',
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: null,
  startMs: 1,
  endMs: 2,
  attributes: {},
  failed: false,
};

function setUp() {
  const clock = new FakeClock(5_000);
  const spans = new Spans({ rng: seededRng(1), sampleRatio: 1 });
  const monitor = new EngineMonitor({ clock, spans });
  const taken: Span[] = [];
  const reports = new ThreadReports({ threads: 2, since: 5_000, takeSpans: (some) => taken.push(...some) });
  return { clock, spans, monitor, reports, taken };
}

test('a thread is unknown until it reports, and its report crosses to another thread as it is', () => {
  const { monitor, spans, reports, taken } = setUp();
  assert.deepEqual(reports.all()[1], { thread: 1, status: null, metrics: null });
  monitor.polled();
  monitor.committed(3, 10);
  spans.add(SPAN);
  reports.receive(1, structuredClone(reportOf(monitor)));
  const [unknown, known] = reports.all();
  assert.equal(unknown!.status, null);
  assert.deepEqual(known, { thread: 1, status: monitor.status(), metrics: monitor.metrics.snapshot() });
  assert.deepEqual(taken, [SPAN]);
  assert.deepEqual(reportOf(monitor).spans, []);
});

test('an engine in this thread is asked anew each time', async () => {
  const { clock, monitor, reports } = setUp();
  reports.watch(0, monitor);
  await clock.advance(10);
  monitor.polled();
  assert.equal(reports.all()[0]!.status!.polledAt, 5_010);
});

test('a thread that crashed is not ready, and shows no figures, until it reports again', () => {
  const { monitor, reports } = setUp();
  monitor.polled();
  for (const thread of [0, 1]) reports.receive(thread, reportOf(monitor));
  assert.equal(readiness(reports.all(), 5_000).isOk, true);
  reports.lost(1, 'crashed');
  const { isOk, body } = readiness(reports.all(), 5_000);
  assert.equal(isOk, false);
  assert.deepEqual(body['threads'], [{ thread: 1, state: 'failing', fault: 'crashed', silentMs: 0 }]);
  assert.equal(reports.all()[1]!.metrics, null);
  reports.receive(1, reportOf(monitor));
  assert.equal(readiness(reports.all(), 5_000).isOk, true);
});
