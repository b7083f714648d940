// What a process shows of itself: figures at /metrics and to a collector, spans to a collector, health.
//
// Owns: putting the threads together, start and stop. Does not own: what each thread shows (topology/engine/monitor.ts).
//
// Invariants:
//   T1. One set for the process: a figure of an engine thread has its number as `thread`, one of the thread that serves
//       HTTP has `main`.

import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { Metrics } from '../../lib/metrics.ts';
import { systemRng } from '../../lib/rng.ts';
import { Spans } from '../../lib/spans.ts';
import { type Exporters, resourceOf, startExporters } from './exporters.ts';
import { type Health, liveness, readiness, stateOf } from './health.ts';
import { otlpOf, type TelemetryConfig } from './options.ts';
import { metricsOf, type Naming, type ThreadMetrics } from './otel-metrics.ts';
import { showProcess } from './process-figures.ts';
import { REPORT_MS, ThreadReports } from './thread-report.ts';

export interface TelemetryOptions {
  readonly config: { readonly application: string; readonly threads: number; readonly telemetry: TelemetryConfig };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);

export class Telemetry {
  /** Of the thread that this runs in, and of what it serves. */
  readonly metrics = new Metrics();
  /** Null: nobody traces. */
  readonly spans: Spans | null;
  readonly threads: ThreadReports;
  readonly #clock: Clock;
  readonly #application: string;
  readonly #startMs: number;
  readonly #exporters: Exporters | null;
  readonly #hideProcess: () => void;
  readonly #closing = new AbortController();
  readonly #sendingSpans: Promise<void>;

  private constructor({ config, clock, logger, env = process.env }: TelemetryOptions) {
    const { application, threads } = config;
    const { traces } = config.telemetry;
    const otlp = otlpOf(config.telemetry, env);
    if (traces !== null && otlp === null) {
      const message = 'telemetry.traces needs a collector: set telemetry.otlp.url, or OTEL_EXPORTER_OTLP_ENDPOINT';
      throw new FatalError('TRG_CONFIG_INVALID', message);
    }
    this.#clock = clock;
    this.#application = application;
    this.#startMs = clock.now();
    this.spans = traces && new Spans({ rng: systemRng, ...traces });
    this.#hideProcess = showProcess(this.metrics, clock, { isMain: true, spans: this.spans });
    this.#exporters =
      otlp &&
      startExporters(otlp, {
        resource: resourceOf(application),
        traces: traces !== null,
        collect: () => this.#collect('opentelemetry'),
        logger,
      });
    this.threads = new ThreadReports({
      threads,
      since: this.#startMs,
      takeSpans: (spans) => this.#exporters?.export?.(spans),
    });
    this.#sendingSpans = this.#sendSpans();
  }

  /** Starts to send. Throws FatalError TRG_CONFIG_INVALID for traces without a collector. */
  static start(options: TelemetryOptions): Telemetry {
    return new Telemetry(options);
  }

  /** All figures in Prometheus' text format. */
  prometheus(): string {
    const resource = resourceOf(this.#application);
    return serializer.serialize({ resource, scopeMetrics: [this.#collect('prometheus')] });
  }

  live(): Health {
    return liveness(this.threads.all(), this.threads.since, this.#clock.now());
  }

  /** `others`: what else is not ready, in words. */
  ready(others: readonly string[] = []): Health {
    return readiness(this.threads.all(), this.#clock.now(), others);
  }

  /** Sends what is left, within a few seconds. Idempotent. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#sendingSpans;
    await this.#exporters?.close();
    this.#hideProcess();
  }

  /** The spans of this thread; those of others come with their reports. */
  async #sendSpans(): Promise<void> {
    if (this.spans === null) return;
    while (!this.#closing.signal.aborted) {
      await this.#clock.sleep(REPORT_MS, this.#closing.signal);
      this.#exporters?.export?.(this.spans.take());
    }
  }

  #collect(naming: Naming) {
    const now = this.#clock.now();
    const all: ThreadMetrics[] = [{ thread: 'main', metrics: this.metrics.snapshot() }];
    for (const { thread, status, metrics } of this.threads.all()) {
      const value = stateOf(status, now) === 'running' ? 1 : 0;
      const ready = { counts: [], gauges: [{ name: 'ready', labels: {}, value }], histograms: [] };
      all.push({ thread: String(thread), metrics: ready });
      if (metrics !== null) all.push({ thread: String(thread), metrics });
    }
    return metricsOf(all, { startMs: this.#startMs, endMs: now }, naming);
  }
}
