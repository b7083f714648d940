import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FencedError, RetryableError } from '../../../lib/errors.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { EngineMonitor } from '../../../topology/engine/monitor.ts';

function setUp() {
  const clock = new FakeClock(1_000);
  const lines: string[] = [];
  const write = (fields: object, message: string): unknown => lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: write, warn: write, error: write } as never;
  return { clock, lines, monitor: new EngineMonitor({ clock, logger }) };
}

test('an engine that has polled, and restores and waits for nothing, says so', async () => {
  const { clock, monitor } = setUp();
  assert.equal(monitor.status().polledAt, null);
  await clock.advance(500);
  monitor.polled();
  assert.deepEqual(monitor.status(), { aliveAt: 1_500, polledAt: 1_500, joined: true, restoring: [], fault: null });
});

test('a fault is shown until a poll ends well, and counted by its code', async () => {
  const { clock, monitor } = setUp();
  monitor.polled();
  await clock.advance(10);
  monitor.faulted(new RetryableError('TRG_LOG_UNREACHABLE', 'gone'));
  assert.deepEqual(monitor.status(), {
    aliveAt: 1_010,
    polledAt: null,
    joined: true,
    restoring: [],
    fault: 'TRG_LOG_UNREACHABLE',
  });
  monitor.faulted(new FencedError('TRG_LOG_FENCED', 'newer'));
  monitor.polled();
  assert.equal(monitor.status().fault, null);
  assert.equal(monitor.metrics.counters.by('engine-restart', 'reason').get('TRG_LOG_UNREACHABLE'), 1);
});

test('a restore shows what remains, and logs its rate at intervals and at its end', async () => {
  const { clock, lines, monitor } = setUp();
  const progress = monitor.restoring('entities_0', 10_000, 300);
  assert.deepEqual(monitor.status().restoring, [{ task: 'entities_0', remaining: 10_000 }]);
  await clock.advance(1_000);
  progress.advance(1_000, 50_000, 9_000);
  assert.deepEqual(lines, []);
  await clock.advance(4_000);
  progress.advance(4_000, 200_000, 5_000);
  assert.deepEqual(lines, [
    'restoring state from its changelog {"task":"entities_0","records":5000,"remaining":5000,"recordsPerSecond":1000}',
  ]);
  assert.deepEqual(monitor.metrics.snapshot().gauges, [
    { name: 'restore-remaining', labels: { task: 'entities_0' }, value: 5_000 },
  ]);
  progress.end();
  progress.end();
  assert.equal(lines.length, 2);
  assert.match(lines[1]!, /"from":300,"records":5000,"bytes":250000,"ms":5000,"recordsPerSecond":1000/);
  assert.deepEqual(monitor.status().restoring, []);
  assert.deepEqual(monitor.metrics.snapshot().gauges, []);
  assert.equal(monitor.metrics.counters.total('restored-records'), 5_000);
  assert.equal(monitor.metrics.counters.total('restored-bytes'), 250_000);
});

test('a restore with nothing to read is not worth a line', () => {
  const { lines, monitor } = setUp();
  monitor.restoring('entities_0', 0, 300).end();
  assert.deepEqual(lines, []);
});

test('a rebalance shows as not joined until the group has answered, then as tasks', () => {
  const { lines, monitor } = setUp();
  monitor.joining();
  assert.equal(monitor.status().joined, false);
  monitor.rebalanced({ durationMs: 30, activeTasks: 3, standbyTasks: 1 });
  assert.equal(monitor.status().joined, true);
  assert.deepEqual(lines, ['rebalanced {"durationMs":30,"activeTasks":3,"standbyTasks":1}']);
  const { gauges, histograms } = monitor.metrics.snapshot();
  assert.deepEqual(
    gauges.map(({ labels, value }) => [labels['kind'], value]),
    [
      ['active', 3],
      ['standby', 1],
    ],
  );
  assert.equal(histograms.find(({ name }) => name === 'rebalance-latency')?.sum, 30);
  assert.equal(monitor.metrics.counters.total('rebalance'), 1);
});
