// The ingest API: Segment's calls over HTTP into the first source topic that takes them.
//
// Owns: start and stop. Does not own: routes (server.ts), transactions (appender.ts).
//
// Invariants:
//   G1. On a stop nothing new is taken, and what was taken is committed and answered before close() resolves.

import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import { FatalError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { Metrics } from '../../../lib/metrics.ts';
import { newId } from '../../../lib/rng.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';
import type { Config } from '../../../services/config/index.ts';
import { formatOf } from '../../../services/job/source-format.ts';
import type { Telemetry } from '../../../services/telemetry/telemetry.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { hooksOf } from '../hooks/hooks.ts';
import { NOTHING_SHOWN } from '../probe-routes.ts';
import { Appender } from './appender.ts';
import type { Destination } from './gate.ts';
import { BATCH_BYTES_MAX, IN_FLIGHT_BYTES_MAX, STOP_GRACE_MS } from './limits.ts';
import type { Target } from './messages.ts';
import { Requests } from './requests.ts';
import { ingestServer } from './server.ts';
import { WriteKeys } from './write-keys.ts';

export interface IngestOptions {
  /** With `http` set. */
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the events sent are also being processed; asked by /health/ready. */
  readonly isReady: () => boolean;
  /** The log failed in a way that time cannot mend. */
  readonly onFatal: (error: unknown) => void;
  /** Which of the workers that share the log it belongs to; left out: there is one. */
  readonly worker?: string;
  /** Left out: the process shows that it serves, and nothing more. */
  readonly telemetry?: Telemetry;
  /** Default IN_FLIGHT_BYTES_MAX. */
  readonly inFlightBytesMax?: number;
  /** Default ANSWER_TIMEOUT_MS. */
  readonly answerTimeoutMs?: number;
  /** Adds what the process answers besides; left out: nothing. */
  readonly addRoutes?: (app: FastifyInstance) => void;
}

export interface Ingest {
  /** Where it listens, such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens and takes events from now on; the topics must be there. Without write keys it takes none, and only shows health and
 * figures. Throws FatalError TRG_CONFIG_INVALID without a source for them, TRG_HTTP_LISTEN when the address cannot be had.
 */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { config, clock, logger, isReady } = options;
  const { host, port, writeKeys, limits, cors, trustProxy } = config.http!;
  if (writeKeys.length === 0) logger.warn({}, 'http.writeKeys is empty: every event sent over HTTP will be refused');
  let closing = false;
  const hooks = hooksOf(config.http!.hooks);
  const destination = writeKeys.length === 0 && hooks.length === 0 ? null : await openDestination(options);
  const { telemetry } = options;
  const app = ingestServer({
    keys: new WriteKeys(writeKeys),
    destination,
    hooks,
    arrival: (traceparent) => ({ receivedAt: clock.now(), newId, traceparent }),
    clock,
    logger,
    inFlightBytesMax: Math.max(BATCH_BYTES_MAX, options.inFlightBytesMax ?? IN_FLIGHT_BYTES_MAX),
    isReady,
    isClosing: () => closing,
    shown: telemetry ?? NOTHING_SHOWN,
    limits,
    corsOrigins: cors.origins,
    trustProxy,
    answerTimeoutMs: options.answerTimeoutMs,
    addRoutes: options.addRoutes,
    requests: new Requests({ clock, metrics: telemetry?.metrics ?? new Metrics(), spans: telemetry?.spans ?? null }),
  });
  let url: string;
  try {
    url = await app.listen({ host, port });
  } catch (error) {
    await destination?.appender.close();
    throw new FatalError('TRG_HTTP_LISTEN', `cannot listen on ${host}:${port}`, { host, port }, error);
  }
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing = true;
    await closeServer(app, clock);
    await destination?.appender.close();
  };
  return { url, close: () => (closed ??= close()) };
}

async function openDestination({ config, log, worker, clock, logger, onFatal }: IngestOptions): Promise<Destination> {
  const topics = await log.admin.topics();
  const { eventTime, limits } = config;
  const targets = sourcesOf(config).map((source): Target => {
    const partitions = topics.get(source.topic);
    if (partitions === undefined) throw new FatalError('TRG_TOPIC_MISSING', `the log has no topic ${source.topic}`);
    return { source, partitions, recordBytesMax: limits.recordBytes, eventTime };
  });
  const targetOf = (topic?: string): Target =>
    targets.find(({ source }) => topic === undefined || source.topic === topic)!;
  const id = [config.application, ...(worker === undefined ? [] : [worker]), 'ingest'].join('-');
  const appender = await Appender.open({ log, id, clock, logger, onFatal });
  return { targetOf, appender };
}

/** The sources that events sent over HTTP may go to, at least one. Throws FatalError TRG_CONFIG_INVALID. */
function sourcesOf(config: Config): readonly SourceFormat[] {
  const sources = config.sources.filter(({ format, entity = 'user' }) => format === 'segment' && entity === 'user');
  if (sources.length === 0) {
    throw new FatalError(
      'TRG_CONFIG_INVALID',
      'http needs a source for the events it takes: one with format segment and entity user (or leave http out)',
    );
  }
  return sources.map((source) => formatOf(source, config, null));
}

/** Ends the requests that are being read; a sender that takes its time is cut off, and has had no answer. */
async function closeServer(app: FastifyInstance, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const closed = app.close().finally(() => ended.abort());
  await clock.sleep(STOP_GRACE_MS, ended.signal);
  app.server.closeAllConnections();
  await closed;
}
