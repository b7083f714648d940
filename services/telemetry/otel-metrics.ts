// Our figures as OpenTelemetry's data, for its exporters: one set for the process, with the label `thread`.
//
// Owns: names, units and labels outside. Does not own: what is in them (lib/metrics.ts), sending them (exporters.ts).

import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { HistogramSample, MetricsSnapshot, Sample } from '../../lib/metrics.ts';
import { COUNTERS, GAUGES, HISTOGRAMS, type MetricInfo } from './catalogue.ts';

/** The figures of one thread; `thread` becomes a label. */
export interface ThreadMetrics {
  readonly thread: string;
  readonly metrics: MetricsSnapshot;
}

/** OpenTelemetry's names as they are, or with the unit that Prometheus wants in them. */
export type Naming = 'opentelemetry' | 'prometheus';

type Descriptor = MetricData['descriptor'];
/** How long the counts are of, ms. */
interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

const SUFFIXES: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes' };
const MS_PER_S = 1_000;

/** Names that the catalogue lacks are left out: nobody would know what they mean, and a test sees to it. */
export function metricsOf(threads: readonly ThreadMetrics[], period: Period, naming: Naming): ScopeMetrics {
  const metrics: MetricData[] = [];
  const kinds = { counts: COUNTERS, gauges: GAUGES, histograms: HISTOGRAMS } as const;
  for (const kind of ['counts', 'gauges', 'histograms'] as const) {
    for (const [name, info] of Object.entries(kinds[kind])) {
      const points = threads.flatMap(({ thread, metrics: { [kind]: samples } }) =>
        samples.filter((sample) => sample.name === name).map((sample) => pointOf(sample, thread, info, period)),
      );
      if (points.length > 0) metrics.push(dataOf(kind, points, descriptorOf(info, naming)));
    }
  }
  return { scope: { name: 'tripline' }, metrics };
}

function dataOf(kind: keyof MetricsSnapshot, dataPoints: DataPoint<never>[], descriptor: Descriptor): MetricData {
  const common = { descriptor, dataPoints, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  if (kind === 'gauges') return { ...common, dataPointType: DataPointType.GAUGE };
  if (kind === 'counts') return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true };
  return { ...common, dataPointType: DataPointType.HISTOGRAM };
}

function pointOf(
  sample: Sample | HistogramSample,
  thread: string,
  { unit }: MetricInfo,
  { startMs, endMs }: Period,
): DataPoint<never> {
  const scale = unit === 's' ? 1 / MS_PER_S : 1;
  const value = 'counts' in sample ? histogramOf(sample, scale) : sample.value * scale;
  return {
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    attributes: { ...sample.labels, thread },
    value: value as never,
  };
}

function histogramOf({ bounds, counts, sum, count }: HistogramSample, scale: number) {
  const boundaries = bounds.map((bound) => bound * scale);
  return { buckets: { boundaries, counts: [...counts] }, sum: sum * scale, count, hasMinMax: false };
}

/** With the unit in it, as a collector would put it there. */
export function prometheusName({ name, unit }: MetricInfo): string {
  return `${name}${SUFFIXES[unit] ?? ''}`;
}

function descriptorOf(info: MetricInfo, naming: Naming): Descriptor {
  const { name, unit, meaning } = info;
  return {
    name: naming === 'prometheus' ? prometheusName(info) : name,
    // Prometheus has no place for it but the name.
    unit: naming === 'prometheus' ? '' : unit,
    description: meaning,
    valueType: ValueType.DOUBLE,
  };
}

export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / MS_PER_S);
  return [seconds, Math.round((ms - seconds * MS_PER_S) * 1e6)];
}
