// What other workers of the application ask this one: of the entities whose tasks it has.
//
// Invariants:
//   I1. Only who shows this worker's token is answered: it is known to whoever may see the members of the group.
//   I2. Only questions that may be handed on are answered, from what is here, and handed on no further (services/operation.ts).

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { lastLine } from '../../services/live/one-answer.ts';
import { INTERNAL_ASK_PATH, PROTOCOL, type Question } from '../../services/live/protocol.ts';
import type { Answers } from '../../services/live/socket-server.ts';
import { goneSignal } from './api/routes.ts';
import { Refusal } from './ingest/refusal.ts';
import { keyOf } from './ingest/write-keys.ts';

export interface InternalOptions {
  readonly token: string;
  readonly application: string;
  readonly answers: Answers;
}

/** One entity's id, and little around it. */
const QUESTION_BYTES_MAX = 64 * 1024;

export function addInternalRoutes(app: FastifyInstance, { token, application, answers }: InternalOptions): void {
  const digest = digestOf(token);
  app.post(INTERNAL_ASK_PATH, {
    bodyLimit: QUESTION_BYTES_MAX,
    schema: { hide: true },
    onRequest: (request, _reply, done) => {
      const shown = keyOf(request.headers.authorization ?? '') ?? '';
      if (!timingSafeEqual(digestOf(shown), digest)) {
        throw new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', "the token is not this worker's");
      }
      done();
    },
    handler: async (request, reply) => {
      const question = questionIn(request.body);
      if (question?.protocol !== PROTOCOL || question.application !== application) {
        // Whoever asks finds out which of the two it is.
        return { protocol: PROTOCOL, error: mismatch(application) };
      }
      const { operation, input } = question;
      const line = await lastLine(answers, { operation, input, isForwarded: true }, goneSignal(reply));
      return { protocol: PROTOCOL, ...line };
    },
  });
}

function questionIn(body: unknown): Question | null {
  try {
    return JSON.parse(String(body)) as Question;
  } catch {
    return null;
  }
}

function mismatch(application: string) {
  const message = `this worker runs the application ${application} with version ${PROTOCOL} of the protocol for questions`;
  return { kind: 'FatalError', code: 'TRG_WORKER_MISMATCH', message, fields: {} } as const;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
