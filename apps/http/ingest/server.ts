// The routes of the ingest API.
//
// Owns: what is done with a request, in order: room for it, its key, its body, its events, the log, the answer.
//
// Invariants:
//   H1. 200 is answered only once the events are durably in the log; any other answer means that none of them counts.

import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { describeError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import { addTelemetryRoutes, type Shown } from '../probe-routes.ts';
import type { Appender } from './appender.ts';
import { readBody } from './body.ts';
import { InFlight, type Reservation } from './in-flight.ts';
import { BATCH_BYTES_MAX, BUSY_RETRY_AFTER_MS, EVENT_BYTES_MAX, REQUEST_TIMEOUT_MS } from './limits.ts';
import { type Arrival, recordOf, recordsOfBatch, type Target } from './messages.ts';
import { answerOf, bodyOf, unavailable } from './refusal.ts';
import type { Requests } from './requests.ts';
import type { WriteKeys } from './write-keys.ts';

export interface ServerOptions {
  readonly keys: WriteKeys;
  /** Null: nobody has a key, and so nothing is taken. */
  readonly intake: { readonly target: Target; readonly appender: Appender } | null;
  readonly arrival: (traceparent: string | null) => Arrival;
  readonly logger: Logger;
  readonly inFlightBytesMax: number;
  readonly isReady: () => boolean;
  readonly isClosing: () => boolean;
  readonly shown: Shown;
  readonly requests: Requests;
  /** What the process answers besides; left out: nothing. */
  readonly addRoutes?: ((app: FastifyInstance) => void) | undefined;
}

/** Ids of people are in paths; longer ones than this are nobody's. */
const PARAMETER_LENGTH_MAX = 1_024;

/** How the body of a route becomes records. */
type ToRecords = (body: JsonObject, target: Target, arrival: Arrival) => readonly NewRecord[];

interface Admitted {
  readonly reservation: Reservation;
  /** Whether the header had a key; otherwise the body must. */
  readonly authorised: boolean;
}

const CALLS = ['track', 'identify', 'page', 'screen', 'group', 'alias'];
const BATCHES = ['batch', 'import'];

export function ingestServer(options: ServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BATCH_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    // The hook below says it with a Retry-After.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
  // Whatever a sender calls it: browsers' beacons send JSON as text/plain.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url.split('?', 1)[0]!.slice(0, 100)} is not there: POST to /v1/${[...CALLS, ...BATCHES].join(', /v1/')}`;
    return reply.code(404).send(bodyOf('TRG_HTTP_NOT_FOUND', message));
  });
  app.setErrorHandler((error, _request, reply) => answerWith(error, reply, options.logger));

  app.addHook('onSend', (_request, reply, payload, done) => {
    // Otherwise a connection that is kept alive would hold the stop up.
    if (options.isClosing()) reply.header('connection', 'close');
    done(null, payload);
  });

  addTelemetryRoutes(app, options.shown, () => notReady(options));

  options.addRoutes?.(app);

  const gate = new Gate(options);
  for (const type of CALLS) {
    gate.route(app, type, EVENT_BYTES_MAX, (body, target, arrival) => [recordOf({ ...body, type }, target, arrival)]);
  }
  for (const name of BATCHES) gate.route(app, name, BATCH_BYTES_MAX, recordsOfBatch);
  return app;
}

/** What besides the engines is not ready, in words. */
function notReady({ isClosing, isReady, intake }: ServerOptions): readonly string[] {
  return [
    ...(isClosing() ? ['this process is stopping'] : []),
    ...(isReady() ? [] : ['the engine does not run yet']),
    ...(intake?.appender.isHealthy === false ? ['the log takes no events'] : []),
  ];
}

class Gate {
  readonly #options: ServerOptions;
  readonly #inFlight: InFlight;
  readonly #admitted = new WeakMap<FastifyRequest, Admitted>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#inFlight = new InFlight(options.inFlightBytesMax);
  }

  route(app: FastifyInstance, name: string, bytesMax: number, toRecords: ToRecords): void {
    app.post(`/v1/${name}`, {
      bodyLimit: bytesMax,
      onRequest: (request, reply, done) => {
        this.#admit(request, reply, bytesMax);
        done();
      },
      handler: (request) => this.#take(request, bytesMax, toRecords),
      onResponse: (request, reply, done) => {
        this.#options.requests.end(request, reply.statusCode, reply.elapsedTime);
        done();
      },
    });
  }

  /** Before the body is read. */
  #admit(request: FastifyRequest, reply: FastifyReply, bytesMax: number): void {
    if (this.#options.isClosing()) throw unavailable('this process is stopping: send again', BUSY_RETRY_AFTER_MS);
    const authorised = this.#options.keys.checkHeader(request.headers.authorization);
    const { 'content-length': length, 'content-encoding': encoding } = request.headers;
    // A body in chunks or packed may become as large as the limit.
    const bytes = encoding === undefined && length !== undefined ? Number(length) : bytesMax;
    const reservation = this.#inFlight.reserve(Math.min(bytes, bytesMax));
    this.#admitted.set(request, { reservation, authorised });
    // Also when the sender goes away in the middle of its body.
    reply.raw.once('close', () => reservation.drop());
  }

  async #take(request: FastifyRequest, bytesMax: number, toRecords: ToRecords): Promise<{ success: true }> {
    const { keys, intake, arrival, requests } = this.#options;
    const { reservation, authorised } = this.#admitted.get(request)!;
    reservation.hold();
    try {
      const { json, bytes } = await readBody(request.body, request.headers['content-encoding'], bytesMax);
      reservation.shrink(bytes);
      if (!authorised) keys.checkBody(json['writeKey']);
      // Without an intake there are no keys, and none was right.
      const { target, appender } = intake!;
      const records = toRecords(json, target, arrival(requests.begin(request)));
      if (records.length > 0) await appender.append(records);
      requests.taken(records.length);
      return { success: true };
    } finally {
      reservation.drop();
    }
  }
}

function answerWith(error: unknown, reply: FastifyReply, logger: Logger): FastifyReply {
  const answer = answerOf(error);
  if (answer !== undefined) return reply.code(answer.status).headers(answer.headers).send(answer.body);
  logger.error({ error: describeError(error) }, 'a request failed');
  return reply.code(500).send(bodyOf('TRG_HTTP_FAILED', 'the request failed: see the log of this process'));
}
