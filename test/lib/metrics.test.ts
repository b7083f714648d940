import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from '../../lib/metrics.ts';

test('a histogram counts each value under the first bound it does not pass', () => {
  const metrics = new Metrics();
  const histogram = metrics.histogram('took', { step: 'a' }, [1, 10]);
  for (const value of [0, 1, 1.5, 10, 11]) histogram.record(value);
  assert.deepEqual(metrics.snapshot().histograms, [
    { name: 'took', labels: { step: 'a' }, bounds: [1, 10], counts: [2, 2, 1], sum: 23.5, count: 5 },
  ]);
});

test('asking for a gauge or histogram of the same name and labels gives the same one', () => {
  const metrics = new Metrics();
  metrics.gauge('tasks', { kind: 'active' }).set(3);
  metrics.gauge('tasks', { kind: 'standby' }).set(1);
  metrics.gauge('tasks', { kind: 'active' }).set(4);
  assert.deepEqual(metrics.snapshot().gauges, [
    { name: 'tasks', labels: { kind: 'active' }, value: 4 },
    { name: 'tasks', labels: { kind: 'standby' }, value: 1 },
  ]);
  assert.equal(metrics.histogram('took'), metrics.histogram('took'));
});

test('a gauge that was removed is in no snapshot', () => {
  const metrics = new Metrics();
  metrics.gauge('remaining', { task: 'a' }).set(3);
  metrics.removeGauge('remaining', { task: 'a' });
  assert.deepEqual(metrics.snapshot().gauges, []);
});

test('collectors are asked at each snapshot until they end', () => {
  const metrics = new Metrics();
  let size = 1;
  const end = metrics.collect((report) => {
    report.gauge('size', size);
    report.count('processed', 10 * size, { topic: 'events' });
  });
  size = 2;
  const { counts, gauges } = metrics.snapshot();
  assert.deepEqual(gauges, [{ name: 'size', labels: {}, value: 2 }]);
  assert.deepEqual(counts, [{ name: 'processed', labels: { topic: 'events' }, value: 20 }]);
  end();
  assert.deepEqual(metrics.snapshot().gauges, []);
});

test('a snapshot has the counters, and can cross to another thread', () => {
  const metrics = new Metrics();
  metrics.counters.add('late', { rule: 'a' });
  metrics.counters.add('unasked');
  metrics.histogram('took').record(1);
  const snapshot = metrics.snapshot();
  assert.deepEqual(snapshot.counts, [
    { name: 'unasked', labels: {}, value: 1 },
    { name: 'late', labels: { rule: 'a' }, value: 1 },
  ]);
  assert.deepEqual(structuredClone(snapshot), snapshot);
});
