import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../../lib/rng.ts';
import { Spans } from '../../../lib/spans.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { EngineMonitor } from '../../../topology/engine/monitor.ts';
import { TaskMeter } from '../../../topology/engine/task-meter.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const TRACE = '0af7651916cd43dd8448eb211c80319c';

function setUp() {
  const spans = new Spans({ rng: seededRng(1), sampleRatio: 0 });
  const monitor = new EngineMonitor({ clock: new FakeClock(NOW), spans });
  const meter = new TaskMeter(monitor, 'entities_0', 'entities');
  const histogram = (name: string) => monitor.metrics.snapshot().histograms.find((each) => each.name === name);
  const begin = (since: number, fetchedAt: number, flags?: string) => {
    const parent = `00-${TRACE}-b7ad6b7169203331-${flags}`;
    const own = `00-${TRACE}-1111111111111111-${flags}`;
    const trace = flags === undefined ? undefined : { name: 'decide', parent, own, attributes: { rule: 'a' } };
    meter.begin({ metric: 'decision-latency', since, fetchedAt, labels: { urgency: 'critical' }, trace });
  };
  const commit = (wall: number) => {
    meter.committing();
    meter.committed(wall);
  };
  return { spans, monitor, meter, histogram, begin, commit };
}

test('a latency lasts from the event to the commit, and from the fetch to the commit', () => {
  const { histogram, begin, commit } = setUp();
  begin(NOW - 40, NOW - 10);
  assert.equal(histogram('decision-latency'), undefined);
  commit(NOW);
  commit(NOW + 1);
  const { sum, count, labels } = histogram('decision-latency')!;
  assert.deepEqual({ sum, count, labels }, { sum: 40, count: 1, labels: { urgency: 'critical' } });
  assert.equal(histogram('decision-latency-from-read')!.sum, 10);
});

test('what begins while the log is at a commit lasts until the next one', () => {
  const { meter, histogram, begin, commit } = setUp();
  begin(NOW - 40, NOW - 10);
  meter.committing();
  begin(NOW - 30, NOW - 10);
  meter.committed(NOW);
  assert.equal(histogram('decision-latency')!.sum, 40);
  commit(NOW + 5);
  assert.equal(histogram('decision-latency')!.sum, 40 + 35);
});

test('what no record led to has no time from its read', () => {
  const { histogram, begin, commit } = setUp();
  begin(NOW - 40, -1);
  commit(NOW);
  assert.equal(histogram('decision-latency')!.count, 1);
  assert.equal(histogram('decision-latency-from-read'), undefined);
});

test('what is more than an hour old is counted apart (E2)', () => {
  const { monitor, histogram, begin, commit } = setUp();
  begin(NOW - HOUR, -1);
  begin(NOW - HOUR - 1, NOW - 5);
  commit(NOW);
  assert.equal(histogram('decision-latency')!.count, 1);
  assert.equal(histogram('decision-latency-from-read')!.count, 1);
  assert.equal(monitor.metrics.counters.by('not-live', 'metric').get('decision-latency'), 1);
});

test('an event ahead of its input is not late', () => {
  const { meter, histogram } = setUp();
  meter.event(-5);
  meter.event(3);
  const { sum, count, labels } = histogram('record-lateness')!;
  assert.deepEqual({ sum, count, labels }, { sum: 3, count: 2, labels: { part: 'entities' } });
});

test('a decision is a span of its event’s trace, once it is committed, if that trace is kept', () => {
  const { spans, begin, commit } = setUp();
  begin(NOW - 40, NOW - 10, '01');
  begin(NOW - 40, -1, '01');
  begin(NOW - 40, NOW - 10, '00');
  assert.deepEqual(spans.take(), []);
  commit(NOW);
  const span = {
    name: 'decide',
    kind: 'internal',
    traceId: TRACE,
    spanId: '1111111111111111',
    parentSpanId: 'b7ad6b7169203331',
    endMs: NOW,
    attributes: { task: 'entities_0', rule: 'a' },
    failed: false,
  };
  assert.deepEqual(spans.take(), [
    { ...span, startMs: NOW - 10 },
    { ...span, startMs: NOW - 40 },
  ]);
});
