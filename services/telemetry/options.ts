// What is sent where: `telemetry` of the configuration, and the environment variables of OpenTelemetry.

import Type from 'typebox';

const strict = { additionalProperties: false };

/** `telemetry` as the file has it; durations as text. */
export const TelemetrySchema = Type.Object(
  {
    otlp: Type.Optional(
      Type.Object(
        {
          url: Type.Optional(
            Type.String({
              pattern: '^https?://',
              examples: ['http://127.0.0.1:4318'],
              description: 'Collector (OTLP over HTTP), without `/v1/…`; left out: `OTEL_EXPORTER_OTLP_ENDPOINT`',
            }),
          ),
          headers: Type.Record(Type.String(), Type.String({ secret: true }), {
            secret: true,
            default: {},
            description: 'Headers of each export, such as an API key',
          }),
          interval: Type.String({ format: 'duration', default: '15s', description: 'How often metrics are sent' }),
        },
        {
          ...strict,
          description: 'Metrics and traces to a collector; left out: none, unless the environment names one',
        },
      ),
    ),
    traces: Type.Optional(
      Type.Object(
        {
          sampleRatio: Type.Number({
            minimum: 0,
            maximum: 1,
            default: 0.01,
            description: 'Of the traces that begin here; one that came with an event is kept if its beginner keeps it',
          }),
        },
        { ...strict, description: 'Spans to the collector; left out: none' },
      ),
    ),
  },
  { ...strict, default: {}, description: 'Metrics and traces' },
);

export type TelemetryFile = Type.Static<typeof TelemetrySchema>;

export interface OtlpConfig {
  /** Null: as OTEL_EXPORTER_OTLP_ENDPOINT says. */
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

export interface TelemetryConfig {
  readonly otlp: OtlpConfig | null;
  /** Null: no spans. */
  readonly traces: { readonly sampleRatio: number } | null;
}

/** `ms`: reads a duration that was checked. */
export function telemetryOf({ otlp, traces }: TelemetryFile, ms: (duration: string) => number): TelemetryConfig {
  return {
    otlp: otlp === undefined ? null : { url: otlp.url ?? null, headers: otlp.headers, intervalMs: ms(otlp.interval) },
    traces: traces ?? null,
  };
}

const ENDPOINTS = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
];
const INTERVAL_MS = 15_000;

/** Where OTLP goes: as configured, else as OpenTelemetry's own variables say; null: nowhere. */
export function otlpOf(config: TelemetryConfig, env: Readonly<Record<string, string | undefined>>): OtlpConfig | null {
  const isNamed = ENDPOINTS.some((name) => env[name] !== undefined && env[name] !== '');
  if (config.otlp !== null) return config.otlp.url !== null || isNamed ? config.otlp : null;
  return isNamed ? { url: null, headers: {}, intervalMs: INTERVAL_MS } : null;
}
