// What is measured of requests with events, and the trace that each belongs to.
//
// Invariants:
//   Q1. A request's traceparent goes on with its events. While traces are on, what the events carry names the span of the
//       request itself, and a request without one may begin a trace; while they are off, none is made up.

import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import type { Histogram, Metrics } from '../../../lib/metrics.ts';
import type { Spans } from '../../../lib/spans.ts';
import { formatTraceparent, parseTraceparent, type TraceContext, traceContextOf } from '../../../schemas/trace.ts';
import type { Rejected } from './batch.ts';

export interface RequestsOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly spans: Spans | null;
}

interface RequestSpan extends TraceContext {
  readonly parentSpanId: string | null;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #latency: Histogram;
  readonly #open = new WeakMap<FastifyRequest, RequestSpan>();

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#latency = options.metrics.histogram('http-latency');
  }

  /** The traceparent that the request's events carry; null: none. */
  begin(request: FastifyRequest): string | null {
    const { spans } = this.#options;
    const header = request.headers['traceparent'];
    const given = typeof header === 'string' ? parseTraceparent(header) : null;
    if (spans === null) return given;
    const parent = given === null ? null : traceContextOf(given);
    if (!(parent?.isSampled ?? spans.sample())) return given;
    const span: RequestSpan = {
      traceId: parent?.traceId ?? spans.newTraceId(),
      spanId: spans.newSpanId(),
      parentSpanId: parent?.spanId ?? null,
      isSampled: true,
    };
    this.#open.set(request, span);
    return formatTraceparent(span);
  }

  /** So many events are in the log, and some beside them were refused. */
  taken(events: number, rejected: readonly Rejected[]): void {
    const { counters } = this.#options.metrics;
    counters.add('http-events', undefined, events);
    for (const { code } of rejected) counters.add('http-rejected', { code });
  }

  /** The request was answered, or its sender went away. */
  end(request: FastifyRequest, status: number, elapsedMs: number): void {
    const { clock, metrics, spans } = this.#options;
    this.#latency.record(elapsedMs);
    metrics.counters.add('http-requests', { status: String(status) });
    const span = this.#open.get(request);
    if (span === undefined) return;
    const endMs = clock.now();
    const { traceId, spanId, parentSpanId } = span;
    spans?.add({
      name: `POST ${request.routeOptions.url}`,
      kind: 'server',
      traceId,
      spanId,
      parentSpanId,
      startMs: endMs - elapsedMs,
      endMs,
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': status },
      failed: status >= 500,
    });
  }
}
