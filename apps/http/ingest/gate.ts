// What every request with events goes through: who sends it, whether there is room for it, its bytes.
//
// Owns: the order of these. Does not own: what is made of the bytes (routes.ts), keys, limits and room themselves.
//
// Invariants:
//   G1. The key is asked before anything is reserved, or read, of the body. Where it is in the body, what has come of it is
//       kept apart (in-flight.ts, F3), and nothing but the key is looked at first.
//   G2. 200 is answered only once the events are durably in the log; any other answer means that none of them counts, but for
//       503, after which they may be there.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JsonObject } from '../../../schemas/json.ts';
import type { Appender } from './appender.ts';
import type { Accepted } from './batch.ts';
import { type Body, type IdPaths, readBody } from './body.ts';
import { InFlight, type Reservation, Unproven } from './in-flight.ts';
import { BUSY_RETRY_AFTER_MS, UNPROVEN_ADDRESS_BYTES_MAX, UNPROVEN_BYTES_MAX } from './limits.ts';
import type { Arrival, Target } from './messages.ts';
import type { RateLimits } from './rate-limits.ts';
import { readWhole } from './read-whole.ts';
import { unavailable } from './refusal.ts';
import type { Requests } from './requests.ts';
import type { WriteKeys } from './write-keys.ts';

export interface GateOptions {
  readonly keys: WriteKeys;
  /** Null: nobody has a key, and so nothing is taken. */
  readonly intake: { readonly target: Target; readonly appender: Appender } | null;
  readonly arrival: (traceparent: string | null) => Arrival;
  readonly inFlightBytesMax: number;
  readonly isClosing: () => boolean;
  readonly limits: RateLimits;
  readonly requests: Requests;
}

/** What a route takes. */
export interface Intake {
  readonly bytesMax: number;
  readonly ids: (target: Target) => IdPaths;
  readonly toRecords: (body: JsonObject, target: Target, arrival: Arrival) => Accepted;
}

interface Admitted {
  readonly reservation: Reservation;
  /** Whether the head had a key; otherwise the body must. */
  readonly isProven: boolean;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #inFlight: InFlight;
  readonly #unproven = new Unproven(UNPROVEN_BYTES_MAX, UNPROVEN_ADDRESS_BYTES_MAX);
  readonly #admitted = new WeakMap<FastifyRequest, Admitted>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#inFlight = new InFlight(options.inFlightBytesMax);
  }

  /** `app`: its own context, since bodies are read by the gate. */
  readBodies(app: FastifyInstance): void {
    app.removeAllContentTypeParsers();
    // Whatever a sender calls it: browsers' beacons send JSON as text/plain.
    app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) => {
      const { reservation, isProven } = this.#admitted.get(request)!;
      const { bodyLimit } = request.routeOptions;
      return readWhole(payload, bodyLimit, (bytes) => {
        if (!isProven) reservation.grow(bytes);
      });
    });
  }

  route(app: FastifyInstance, paths: readonly string[], intake: Intake): void {
    for (const path of paths) {
      app.post(path, {
        bodyLimit: intake.bytesMax,
        onRequest: (request, reply) => this.#admit(request, reply, intake.bytesMax),
        handler: (request) => this.#take(request, intake),
        onResponse: (request, reply, done) => {
          this.#options.requests.end(request, reply.statusCode, reply.elapsedTime);
          done();
        },
      });
    }
  }

  /** Before the body is read. */
  async #admit(request: FastifyRequest, reply: FastifyReply, bytesMax: number): Promise<void> {
    const { isClosing, keys, limits } = this.#options;
    if (isClosing()) throw unavailable('this process is stopping: send again', BUSY_RETRY_AFTER_MS);
    await limits.ofAddress(request);
    const key = keys.inHeader(request.headers.authorization);
    if (key !== null) await limits.ofKey(request, key);
    const reservation =
      key === null ? this.#unproven.open(request.ip) : this.#inFlight.reserve(sizeOf(request, bytesMax));
    this.#admitted.set(request, { reservation, isProven: key !== null });
    // Also when the sender goes away in the middle of its body.
    reply.raw.once('close', () => reservation.drop());
  }

  async #take(request: FastifyRequest, { bytesMax, ids, toRecords }: Intake): Promise<JsonObject> {
    const { intake, arrival, requests } = this.#options;
    const { reservation, isProven } = this.#admitted.get(request)!;
    const held = [reservation];
    reservation.hold();
    try {
      const target = intake?.target ?? null;
      const body = await this.#read(request, bytesMax, target === null ? NO_IDS : ids(target), reservation);
      if (!isProven) {
        await this.#prove(request, body);
        held.push(this.#inFlight.reserve(body.bytes));
      }
      // Without an intake there are no keys, and none was right.
      const { records, rejected } = toRecords(body.json, target!, arrival(requests.begin(request)));
      if (records.length > 0) await intake!.appender.append(records);
      requests.taken(records.length, rejected);
      return { success: true, ...(rejected.length > 0 && { rejected: rejected.map((each) => ({ ...each })) }) };
    } finally {
      for (const each of held) each.drop();
    }
  }

  async #read(request: FastifyRequest, bytesMax: number, ids: IdPaths, reservation: Reservation): Promise<Body> {
    const raw = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    const { isProven } = this.#admitted.get(request)!;
    const encoding = request.headers['content-encoding'];
    // It may unpack to as much.
    if (!isProven && encoding !== undefined) reservation.grow(bytesMax);
    const body = await readBody(raw, encoding, bytesMax, ids);
    reservation.shrink(body.bytes);
    return body;
  }

  /** Throws Refusal (401, 429). */
  async #prove(request: FastifyRequest, { json }: Body): Promise<void> {
    const { keys, limits } = this.#options;
    await limits.ofKey(request, keys.inBody(json['writeKey']));
  }
}

const NO_IDS: IdPaths = { paths: [] };

/** What the body may come to: in chunks or packed, as much as the limit. */
function sizeOf(request: FastifyRequest, bytesMax: number): number {
  const { 'content-length': length, 'content-encoding': encoding } = request.headers;
  return encoding === undefined && length !== undefined ? Math.min(Number(length), bytesMax) : bytesMax;
}
