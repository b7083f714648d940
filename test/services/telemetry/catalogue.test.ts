import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Metrics } from '../../../lib/metrics.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../../services/telemetry/catalogue.ts';
import { metricsOf } from '../../../services/telemetry/otel-metrics.ts';
import { metricsTable } from '../../../services/telemetry/reference.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = '{lib,processors,state,topology,connectors,services,apps}/**/*.ts';

/** The names that shipped code writes, by what writes them. */
function written(): { counters: Set<string>; gauges: Set<string>; histograms: Set<string> } {
  const found = { counters: new Set<string>(), gauges: new Set<string>(), histograms: new Set<string>() };
  for (const path of globSync(FOLDERS, { cwd: ROOT })) {
    const text = readFileSync(`${ROOT}${path}`, 'utf8');
    const names = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);
    for (const name of names(/(?:(?:context|report|host)\.count|counters\.add)\(\s*'([a-z-]+)'/g))
      found.counters.add(name);
    for (const name of names(/\b(?:g|removeG)auge\(\s*'([a-z-]+)'/g)) found.gauges.add(name);
    for (const name of names(/gauges: \[\{ name: '([a-z-]+)'/g)) found.gauges.add(name);
    for (const name of names(/\bhistogram\(\s*'([a-z-]+)'/g)) found.histograms.add(name);
    for (const name of names(/\bmeasure\(\s*'([a-z-]+)'/g)) found.histograms.add(name);
  }
  return found;
}

test('every name that the code writes has a meaning, and no meaning is without a writer (C1)', () => {
  const { counters, gauges, histograms } = written();
  assert.deepEqual([...counters].toSorted(), Object.keys(COUNTERS).toSorted());
  assert.deepEqual([...gauges].toSorted(), Object.keys(GAUGES).toSorted());
  // The task's meter makes it of the one that is measured.
  histograms.add('decision-latency-from-read');
  assert.deepEqual([...histograms].toSorted(), Object.keys(HISTOGRAMS).toSorted());
});

test('names outside are unique and well formed', () => {
  const names = [COUNTERS, GAUGES, HISTOGRAMS].flatMap((table) => Object.values(table).map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^tripline(\.[a-z][a-z_]*)+$/);
});

test('docs/observability.md lists every figure as the catalogue has it (npm run generate)', () => {
  const page = readFileSync(`${ROOT}docs/observability.md`, 'utf8');
  assert.equal(/<!-- metrics -->\n([\s\S]*?)\n<!-- \/metrics -->/.exec(page)?.[1], metricsTable());
});

test('times leave in seconds, under a name that says so in Prometheus, with the thread as a label', () => {
  const metrics = new Metrics();
  metrics.histogram('commit-latency', {}, [1, 1_000]).record(500);
  metrics.counters.add('duplicate');
  metrics.counters.add('nobody knows this one');
  const snapshot = metrics.snapshot();
  const threads = ['0', '1'].map((thread) => ({ thread, metrics: snapshot }));
  const { metrics: data } = metricsOf(threads, { startMs: 1_500, endMs: 2_000 }, 'prometheus');
  assert.deepEqual(
    data.map(({ descriptor }) => descriptor.name),
    ['tripline.events.duplicate', 'tripline.commit.latency.seconds'],
  );
  assert.deepEqual(data[1]!.dataPoints[1], {
    startTime: [1, 500_000_000],
    endTime: [2, 0],
    attributes: { thread: '1' },
    value: { buckets: { boundaries: [0.001, 1], counts: [0, 1, 0] }, sum: 0.5, count: 1, hasMinMax: false },
  });
});
