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
import { PLAUSIBLE } from '../../../processors/intake/event-time.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { Appender } from './appender.ts';
import type { Accepted } from './batch.ts';
import { unpack } from './body.ts';
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
  /** Null: nobody may send, and so nothing is taken. */
  readonly destination: Destination | null;
  readonly arrival: (traceparent: string | null) => Arrival;
  readonly inFlightBytesMax: number;
  readonly isClosing: () => boolean;
  readonly limits: RateLimits;
  readonly requests: Requests;
}

/** Where records go to. */
export interface Destination {
  /** Of a topic that is among the sources; left out: the first that takes events of people. */
  readonly targetOf: (topic?: string) => Target;
  readonly appender: Appender;
}

/** How it is known that a sender may send. */
export type Proof = 'key' | 'key-in-head' | 'body';

/** What a route takes. */
export interface Intake {
  readonly bytesMax: number;
  /** For the OpenAPI document. */
  readonly schema: object;
  /** `key`: a write key in the head or in the body; `body`: the body proves itself, by a signature. */
  readonly proof: Proof;
  readonly topic?: string | undefined;
  /** What the bytes say. Throws RecordError; Refusal (401) where they do not prove what they should. */
  readonly read: (bytes: Buffer, request: FastifyRequest, target: Target, arrival: Arrival) => Content;
}

export interface Content {
  /** With `proof: key`. */
  readonly writeKey?: unknown;
  readonly toRecords: (target: Target, arrival: Arrival) => Accepted;
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
    // The first is the one to be named; the others are short for it.
    for (const path of paths) {
      app.post(path, {
        schema: path === paths[0] ? intake.schema : { hide: true },
        bodyLimit: intake.bytesMax,
        onRequest: (request, reply) => this.#admit(request, reply, intake),
        handler: (request) => this.#take(request, intake),
        onResponse: (request, reply, done) => {
          this.#options.requests.end(request, reply.statusCode, reply.elapsedTime);
          done();
        },
      });
    }
  }

  /** Before the body is read. */
  async #admit(request: FastifyRequest, reply: FastifyReply, { bytesMax, proof }: Intake): Promise<void> {
    const { isClosing, keys, limits } = this.#options;
    if (isClosing()) throw unavailable('this process is stopping: send again', BUSY_RETRY_AFTER_MS);
    await limits.ofAddress(request);
    const key = proof === 'body' ? null : keys.inHeader(request.headers.authorization);
    if (proof === 'key-in-head' && key === null) keys.inBody(undefined);
    if (key !== null) await limits.ofKey(request, key);
    const reservation =
      key === null ? this.#unproven.open(request.ip) : this.#inFlight.reserve(sizeOf(request, bytesMax));
    this.#admitted.set(request, { reservation, isProven: key !== null });
    // Also when the sender goes away in the middle of its body.
    reply.raw.once('close', () => reservation.drop());
  }

  async #take(request: FastifyRequest, intake: Intake): Promise<JsonObject> {
    const { destination, arrival, requests } = this.#options;
    const { reservation, isProven } = this.#admitted.get(request)!;
    const held = [reservation];
    reservation.hold();
    try {
      const bytes = await this.#unpack(request, intake.bytesMax, this.#admitted.get(request)!);
      const target = (destination ?? NOWHERE).targetOf(intake.topic);
      const came = arrival(requests.begin(request));
      const content = intake.read(bytes, request, target, came);
      if (!isProven) {
        await this.#prove(request, intake, content);
        held.push(this.#inFlight.reserve(bytes.length));
      }
      const { records, rejected } = content.toRecords(target, came);
      if (records.length > 0) await destination!.appender.append(records);
      requests.taken(records.length, rejected);
      return { success: true, ...(rejected.length > 0 && { rejected: rejected.map((each) => ({ ...each })) }) };
    } finally {
      for (const each of held) each.drop();
    }
  }

  async #unpack(request: FastifyRequest, bytesMax: number, { reservation, isProven }: Admitted): Promise<Buffer> {
    const raw = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    const encoding = request.headers['content-encoding'];
    // It may unpack to as much.
    if (!isProven && encoding !== undefined) reservation.grow(bytesMax);
    const bytes = await unpack(raw, encoding, bytesMax);
    reservation.shrink(bytes.length);
    return bytes;
  }

  /** Throws Refusal (401, 429). */
  async #prove(request: FastifyRequest, { proof }: Intake, { writeKey }: Content): Promise<void> {
    const { keys, limits } = this.#options;
    if (proof !== 'body') await limits.ofKey(request, keys.inBody(writeKey));
  }
}

/** Nobody has a key there: what is read is read for its key, and refused. */
const NOWHERE: Pick<Destination, 'targetOf'> = {
  targetOf: () => ({
    source: { topic: '', format: 'segment', keyed: true, entity: 'user' },
    partitions: 1,
    recordBytesMax: 0,
    eventTime: PLAUSIBLE,
  }),
};

/** What the body may come to: in chunks or packed, as much as the limit. */
function sizeOf(request: FastifyRequest, bytesMax: number): number {
  const { 'content-length': length, 'content-encoding': encoding } = request.headers;
  return encoding === undefined && length !== undefined ? Math.min(Number(length), bytesMax) : bytesMax;
}
