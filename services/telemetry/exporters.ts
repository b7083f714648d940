// Sends figures and spans to an OpenTelemetry collector over OTLP (HTTP, protobuf-JSON).
//
// Owns: when and where to. Does not own: what (otel-metrics.ts, otel-spans.ts).
//
// Invariants:
//   E1. A collector that is slow, gone or wrong costs nothing but its figures: exports are bounded in time and number, and
//       what fails is dropped and said in the log.
//
// Edge `telemetry`: figures and spans are sent to a collector.
//   throws: they are lost, with a line in the log; nothing else is touched
//   rejects: as a throw
//   hangs: given up after its time, as a throw
//   too large: cannot: spans and figures that wait are bounded, and what does not fit is left out
//   behind: services/telemetry/

import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader, type ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { Logger } from '../../lib/logger.ts';
import type { Span } from '../../lib/spans.ts';
import type { OtlpConfig } from './options.ts';
import { readableSpan } from './otel-spans.ts';

/** On a stop, what has not left by then is lost. */
const STOP_MS = 3_000;
/** One export; a collector that takes longer is in trouble. */
const EXPORT_MS = 5_000;

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have their say. */
export function resourceOf(application: string): Resource {
  const own = resourceFromAttributes({ [ATTR_SERVICE_NAME]: application });
  return own.merge(detectResources({ detectors: [envDetector] }));
}

export interface Exporters {
  /** Null where no traces are sent. */
  readonly export: ((spans: readonly Span[]) => void) | null;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** Starts to send what `collect` returns, every `otlp.intervalMs`. */
export function startExporters(
  otlp: OtlpConfig,
  options: {
    readonly resource: Resource;
    readonly traces: boolean;
    readonly collect: () => ScopeMetrics;
    readonly logger: Logger;
  },
): Exporters {
  const { resource, traces, collect, logger } = options;
  diag.setLogger(diagnosticsTo(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(endpointOf(otlp, 'metrics')),
    exportIntervalMillis: otlp.intervalMs,
    exportTimeoutMillis: Math.min(EXPORT_MS, otlp.intervalMs),
    metricProducers: [
      { collect: async () => ({ resourceMetrics: { resource, scopeMetrics: [collect()] }, errors: [] }) },
    ],
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  const spans = traces
    ? new BatchSpanProcessor(new OTLPTraceExporter(endpointOf(otlp, 'traces')), { exportTimeoutMillis: EXPORT_MS })
    : null;
  return {
    export:
      spans &&
      ((ended) => {
        for (const span of ended) spans.onEnd(readableSpan(span, resource));
      }),
    close: async () => {
      const closing = [meters.shutdown({ timeoutMillis: STOP_MS }), spans?.shutdown()];
      await Promise.allSettled(closing);
      diag.disable();
    },
  };
}

/** Without a URL the exporter takes OTEL_EXPORTER_OTLP_ENDPOINT and its kin. */
function endpointOf({ url, headers }: OtlpConfig, signal: 'metrics' | 'traces') {
  const timeoutMillis = EXPORT_MS;
  if (url === null) return { headers, timeoutMillis };
  return { url: `${url.replace(/\/$/, '')}/v1/${signal}`, headers, timeoutMillis };
}

/** What the exporters have to say, such as that the collector cannot be reached. */
function diagnosticsTo(logger: Logger) {
  const say =
    (level: 'warn' | 'error') =>
    (text: string): void =>
      logger[level]({ detail: text }, 'telemetry');
  const nothing = (): void => {};
  return { error: say('warn'), warn: say('warn'), info: nothing, debug: nothing, verbose: nothing };
}
