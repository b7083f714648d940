// The engine with the ingest API beside it, when the configuration has one.
//
// Invariants:
//   N1. The API stops before the engine: what it took is in the log when the engine stops.
//   N2. Neither runs on without the other: the first that fails for good stops both, and its error is thrown.

import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Config } from '../../services/config/index.ts';
import type { Telemetry } from '../../services/telemetry/telemetry.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { startIngest } from '../http/ingest/ingest.ts';

export interface WithIngestOptions {
  readonly config: Config;
  /** With its topics made. */
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Which of the workers that share the log it is; left out: there is one. */
  readonly worker?: string;
  /** Left out: the API shows that it serves, and nothing more. */
  readonly telemetry?: Telemetry;
  /** Adds what the process answers over HTTP besides. */
  readonly addRoutes?: (app: FastifyInstance) => void;
}

/** Runs until its signal aborts; calls `onRunning` once all of it runs. `url`: where HTTP is served; null: nowhere. */
export type RunEngine = (signal: AbortSignal, onRunning: () => void, url: string | null) => Promise<void>;

/** Runs until `signal` aborts. Throws what startIngest and the engine throw, and what the log failed with. */
export async function withIngest(options: WithIngestOptions, signal: AbortSignal, runEngine: RunEngine): Promise<void> {
  if (options.config.http === null) return runEngine(signal, () => {}, null);
  const failed = Promise.withResolvers<never>();
  let isRunning = false;
  const ingest = await startIngest({ ...options, isReady: () => isRunning, onFatal: failed.reject });
  options.logger.info({ url: ingest.url }, 'taking events over HTTP');
  const engine = new AbortController();
  const stopEngine = (): void => engine.abort();
  const stop = (): void => void ingest.close().then(stopEngine, stopEngine);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const onRunning = (): void => {
    isRunning = true;
  };
  const ran = runEngine(engine.signal, onRunning, ingest.url);
  try {
    await Promise.race([ran, failed.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    isRunning = false;
    await ingest.close();
    stopEngine();
    await ran;
  }
}
