// The table of docs/observability.md, made from the catalogue so that the two cannot disagree.

import { COUNTERS, GAUGES, HISTOGRAMS, type MetricInfo } from './catalogue.ts';
import { prometheusName } from './otel-metrics.ts';

const KINDS = { counter: COUNTERS, gauge: GAUGES, histogram: HISTOGRAMS } as const;

/** A Markdown table: name in Prometheus, kind, unit, meaning; in the order of the catalogue. */
export function metricsTable(): string {
  const rows = Object.entries(KINDS).flatMap(([kind, table]) =>
    Object.values(table).map((info) => `| \`${nameOf(info, kind)}\` | ${kind} | ${unitOf(info)} | ${info.meaning} |`),
  );
  return ['| name in Prometheus | kind | unit | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function nameOf(info: MetricInfo, kind: string): string {
  const name = prometheusName(info).replaceAll('.', '_');
  return kind === 'counter' ? `${name}_total` : name;
}

function unitOf({ unit }: MetricInfo): string {
  const words: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '1': '' };
  return words[unit] ?? `${unit.slice(1, -1)}s`.replace(/ys$/, 'ies');
}
