// What a worker answers over HTTP before its log can be reached: it lives, is not ready, and takes no events yet.
//
// Without it an orchestrator would take a worker that waits for a broker for a dead one, and start it again and again.

import { type FastifyInstance, fastify } from 'fastify';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Config } from '../../services/config/index.ts';
import { bodyOf } from '../http/ingest/refusal.ts';
import { addTelemetryRoutes, type Shown } from '../http/probe-routes.ts';

const RETRY_AFTER_S = 5;

export class WaitingRoom {
  readonly #config: Config;
  readonly #shown: Shown;
  readonly #logger: Logger;
  #opening: Promise<FastifyInstance | null> | null = null;

  constructor(config: Config, shown: Shown, logger: Logger) {
    this.#config = config;
    this.#shown = shown;
    this.#logger = logger;
  }

  /** Does nothing without `http`. An address that cannot be had is said; the worker comes to it again. */
  open(): void {
    if (this.#config.http !== null) this.#opening ??= this.#listen(this.#config.http);
  }

  /** Gives the address back. */
  async close(): Promise<void> {
    const app = await this.#opening;
    app?.server.closeAllConnections();
    await app?.close();
  }

  async #listen({ host, port }: NonNullable<Config['http']>): Promise<FastifyInstance | null> {
    const app = fastify({ forceCloseConnections: true });
    addTelemetryRoutes(app, this.#shown, () => ['the log cannot be reached']);
    app.setNotFoundHandler((_request, reply) =>
      reply
        .code(503)
        .header('retry-after', RETRY_AFTER_S)
        .send(bodyOf('TRG_HTTP_UNAVAILABLE', 'the log cannot be reached yet: send again later')),
    );
    try {
      await app.listen({ host, port });
      return app;
    } catch (error) {
      this.#logger.warn({ host, port, error: describeError(error) }, 'no health over HTTP while waiting for the log');
      return null;
    }
  }
}
