// Why a request was not taken, and how HTTP says so.
//
// Owns: the status of each refusal, and its JSON. Does not own: what is wrong with a message (processors/intake/normalise.ts).

import { EngineError, type ErrorCode } from '../../../lib/errors.ts';
import type { JsonObject } from '../../../schemas/json.ts';

/** A request is answered with this instead of success. */
export class Refusal extends EngineError {
  readonly status: number;
  /** When the sender may try again, ms; null: never as it is. */
  readonly retryAfterMs: number | null;

  constructor(status: number, code: ErrorCode, message: string, retryAfterMs: number | null = null) {
    super(code, message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export function unavailable(message: string, retryAfterMs: number): Refusal {
  return new Refusal(503, 'TRG_HTTP_UNAVAILABLE', message, retryAfterMs);
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** The answer to a request that failed with `error`; undefined when the failure is ours and not foreseen. */
export function answerOf(error: unknown): Answer | undefined {
  if (error instanceof Refusal) {
    const { status, retryAfterMs } = error;
    return {
      status,
      headers: {
        ...(retryAfterMs !== null && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
        ...(status === 401 && { 'www-authenticate': 'Basic realm="tripline"' }),
      },
      body: bodyOf(error.code, error.message),
    };
  }
  if (error instanceof EngineError && error.code.startsWith('TRG_RECORD_')) {
    const isLarge = error.code === 'TRG_RECORD_TOO_LARGE';
    // What comes of it besides is not waited for.
    const headers: Answer['headers'] = isLarge ? { connection: 'close' } : {};
    return { status: isLarge ? 413 : 400, headers, body: bodyOf(error.code, error.message) };
  }
  return answerToHttpError((error ?? {}) as HttpError);
}

interface HttpError {
  readonly statusCode?: unknown;
  readonly message?: unknown;
}

/** What Fastify found wrong before any of our code ran, such as a body beyond its limit. */
function answerToHttpError({ statusCode, message }: HttpError): Answer | undefined {
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  const code = statusCode === 413 ? 'TRG_RECORD_TOO_LARGE' : 'TRG_RECORD_UNREADABLE';
  const status = statusCode === 413 ? 413 : 400;
  return { status, headers: {}, body: bodyOf(code, String(message)) };
}

export function bodyOf(code: ErrorCode, message: string): JsonObject {
  return { success: false, code, message };
}
