// The HTTP server of a process: what holds for every request, and the routes.
//
// Owns: time-outs, errors as answers, the order of routes. Does not own: what takes events (routes.ts, gate.ts), the
// management API and other routes of the process (`addRoutes`).
//
// Invariants:
//   H1. However a request ends (a handler that throws, rejects or hangs, a body without end, a sender that goes away), it
//       has an answer in JSON or no connection, within bounded time, and costs no other request (docs/design.md, I6).
//   H2. Of what goes to no route nothing is read.
//
// Edge `request`: somebody sends a request over HTTP: events, callbacks of providers, questions.
//   throws: that request is answered with 500, TRG_HTTP_FAILED; all others are served
//   rejects: as a throw
//   hangs: a sender that does not finish is cut off with 408, a handler that does not answer is answered for with 503
//   too large: 413, or 431 for its head, before it is read whole
//   behind: apps/http/

import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import { describeError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { addHookRoutes, type Hook } from '../hooks/hooks.ts';
import { documentRoutes } from '../openapi.ts';
import { addTelemetryRoutes, type Shown } from '../probe-routes.ts';
import { answerClientError } from './client-errors.ts';
import { openToPages, pathOf } from './cors.ts';
import { Gate, type GateOptions } from './gate.ts';
import { ANSWER_TIMEOUT_MS, BATCH_BYTES_MAX, HEAD_TIMEOUT_MS, REQUEST_TIMEOUT_MS, TIMEOUT_CHECK_MS } from './limits.ts';
import { openRateLimits, type RateLimitOptions } from './rate-limits.ts';
import { answerOf, bodyOf, Refusal } from './refusal.ts';
import { addEventRoutes, isEventPath, TAKEN_AT } from './routes.ts';

export interface ServerOptions extends Omit<GateOptions, 'limits'> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isReady: () => boolean;
  readonly shown: Shown;
  readonly limits: RateLimitOptions;
  readonly hooks: readonly Hook[];
  readonly corsOrigins: readonly string[];
  readonly trustProxy: readonly string[];
  /** What the process answers besides; left out: nothing. */
  readonly addRoutes?: ((app: FastifyInstance) => void) | undefined;
  /** Default ANSWER_TIMEOUT_MS. */
  readonly answerTimeoutMs?: number | undefined;
}

/** What a sender waits before it asks again what had no answer. */
const RETRY_MS = 1_000;
/** Ids of people are in paths; longer ones than this are nobody's. */
const PARAMETER_LENGTH_MAX = 1_024;

export function ingestServer(options: ServerOptions): FastifyInstance {
  const { logger, trustProxy, isClosing, clock, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const app = fastify({
    bodyLimit: BATCH_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEAD_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    clientErrorHandler: answerClientError,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    // The gate says it with a Retry-After.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
  // A sender that has said all it has to say, and ended its half of the connection, still waits for the answer.
  (app.server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const notFound = (method: string, url: string, reply: FastifyReply): FastifyReply => {
    const message = `${method} ${pathOf(url).slice(0, 100)} is not there: POST to ${TAKEN_AT}`;
    return reply.code(404).send(bodyOf('TRG_HTTP_NOT_FOUND', message));
  };
  app.setNotFoundHandler(({ method, url }, reply) => notFound(method, url, reply));
  app.setErrorHandler((error, _request, reply) => answerWith(error, reply, logger));

  app.addHook('onRequest', (request, reply, done) => {
    // H2
    if (request.is404) {
      notFound(request.method, request.url, reply);
      return;
    }
    // Fastify's own limit on handlers ends with the body of a request.
    void answerInTime(reply, clock, answerTimeoutMs);
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Otherwise a connection that is kept alive would hold the stop up.
    if (isClosing()) reply.header('connection', 'close');
    done(null, payload);
  });

  // The document describes; what is checked, and how answers are written, is the routes' own.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));

  documentRoutes(app);
  app.register(async (routes) => {
    addTelemetryRoutes(routes, options.shown, () => notReady(options));
    options.addRoutes?.(routes);
  });
  app.register(async (events) => {
    await openToPages(events, options.corsOrigins, isEventPath);
    const gate = new Gate({ ...options, limits: await openRateLimits(events, options.limits) });
    gate.readBodies(events);
    addEventRoutes(events, gate);
    addHookRoutes(events, gate, options.hooks);
  });
  return app;
}

/** Answers for a handler that has not by then; what is being streamed is left alone. */
async function answerInTime(reply: FastifyReply, clock: Clock, ms: number): Promise<void> {
  const answered = new AbortController();
  reply.raw.once('close', () => answered.abort());
  await clock.sleep(ms, answered.signal);
  if (answered.signal.aborted || reply.sent || reply.raw.headersSent) return;
  reply.send(new Refusal(503, 'TRG_HTTP_TIMEOUT', `no answer was found within ${ms / 1_000} s: send again`, RETRY_MS));
}

/** What besides the engines is not ready, in words. */
function notReady({ isClosing, isReady, destination }: ServerOptions): readonly string[] {
  return [
    ...(isClosing() ? ['this process is stopping'] : []),
    ...(isReady() ? [] : ['the engine does not run yet']),
    ...(destination?.appender.isHealthy === false ? ['the log takes no events'] : []),
  ];
}

function answerWith(error: unknown, reply: FastifyReply, logger: Logger): FastifyReply {
  const answer = answerOf(error);
  if (answer !== undefined) return reply.code(answer.status).headers(answer.headers).send(answer.body);
  logger.error({ error: describeError(error) }, 'a request failed');
  return reply.code(500).send(bodyOf('TRG_HTTP_FAILED', 'the request failed: see the log of this process'));
}
