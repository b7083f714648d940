// How late a task's events, timers and decisions are: histograms that its steps write and its commits close.
//
// Invariants:
//   E1. Measuring an event costs no allocation; measuring a decision or timer costs one, and happens once it is committed.
//   E2. What is older than LIVE_MS is no sign of how fast the engine is, but of how old its input is (a backfill, a replay,
//       a long outage): it is counted apart, so that it does not drown the rest.

import type { Labels } from '../../lib/counters.ts';
import type { Histogram, Metrics } from '../../lib/metrics.ts';
import type { Spans } from '../../lib/spans.ts';
import { traceContextOf } from '../../schemas/trace.ts';
import type { MeasuredTrace } from '../../state/processor.ts';
import type { EngineMonitor } from './monitor.ts';

/** Beyond an hour, lag and stream-time lag say what there is to say. */
const LIVE_MS = 3_600_000;

interface Pending {
  readonly metric: string;
  /** Event time or deadline, ms. */
  readonly since: number;
  /** Wall time at which the record that led to it was fetched, ms; -1: no record did. */
  readonly fetchedAt: number;
  readonly labels: Labels | undefined;
  readonly trace: MeasuredTrace | undefined;
}

export class TaskMeter {
  readonly #metrics: Metrics;
  readonly #spans: Spans | null;
  readonly #task: string;
  readonly #lateness: Histogram;
  /** By name and the values of labels: looked up for each decision, and much cheaper than in Metrics. */
  readonly #histograms = new Map<string, Histogram>();
  #pending: Pending[] = [];
  /** What the commit under way has. */
  #committing: Pending[] = [];

  /** `part`: the name of the task's sub-topology. */
  constructor({ metrics, spans }: EngineMonitor, task: string, part: string) {
    this.#metrics = metrics;
    this.#spans = spans;
    this.#task = task;
    this.#lateness = metrics.histogram('record-lateness', { part });
  }

  /** An event came so far behind the time of its input, ms; less than zero: it was ahead of it. */
  event(latenessMs: number): void {
    this.#lateness.record(latenessMs > 0 ? latenessMs : 0);
  }

  /** To be measured from `since` until the commit. */
  begin(pending: Pending): void {
    this.#pending.push(pending);
  }

  /** A commit begins, of what began before it. */
  committing(): void {
    this.#committing = this.#pending;
    this.#pending = [];
  }

  /** The commit has been made at `wall`. */
  committed(wall: number): void {
    for (const pending of this.#committing) {
      const { metric, since, fetchedAt, labels } = pending;
      const latencyMs = wall - since;
      if (latencyMs > LIVE_MS) this.#metrics.counters.add('not-live', { metric });
      else this.#histogram(metric, '', labels).record(Math.max(0, latencyMs));
      if (fetchedAt >= 0) this.#histogram(metric, '-from-read', labels).record(wall - fetchedAt);
      this.#trace(pending, wall);
    }
    this.#committing = [];
  }

  #histogram(metric: string, suffix: string, labels: Labels = {}): Histogram {
    let id = metric + suffix;
    for (const name in labels) id += `\0${labels[name]}`;
    let histogram = this.#histograms.get(id);
    if (histogram === undefined) {
      histogram = this.#metrics.histogram(metric + suffix, labels);
      this.#histograms.set(id, histogram);
    }
    return histogram;
  }

  /** From the fetch, or from when it was due, to the commit; in the trace of its event. */
  #trace({ since, fetchedAt, trace }: Pending, wall: number): void {
    if (this.#spans === null || trace === undefined) return;
    const { traceId, spanId: parentSpanId, isSampled } = traceContextOf(trace.parent);
    if (!isSampled) return;
    this.#spans.add({
      name: trace.name,
      kind: 'internal',
      traceId,
      spanId: traceContextOf(trace.own).spanId,
      parentSpanId,
      startMs: fetchedAt >= 0 ? fetchedAt : Math.min(since, wall),
      endMs: wall,
      attributes: { task: this.#task, ...trace.attributes },
      failed: false,
    });
  }
}
