// /api/reviews: what waits for a person, answering it, and saying who is to answer.
//
// Owns: what a request says, and who may answer: the role approver. Does not own: answering (services/reviews), keys (api-keys.ts).
//
// Invariants:
//   R1. Who answered is the name of the key, whatever the body says.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static, type TSchema } from 'typebox';
import { compileSchema } from '../../../lib/schema-check.ts';
import { BY_LENGTH_MAX, NOTE_LENGTH_MAX } from '../../../schemas/commands.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { oneAnswer } from '../../../services/live/one-answer.ts';
import { REVIEWS_LIMIT_MAX } from '../../../services/reviews/list.ts';
import { Refusal } from '../ingest/refusal.ts';
import { answers } from '../openapi.ts';
import { type ApiOptions, countOf, goneSignal, invalid, REFUSALS, refusalOf, textsOf } from './routes.ts';

const BODY_BYTES_MAX = 64 * 1024;
const strict = { additionalProperties: false };
const anything = Type.Object({}, { additionalProperties: true });

const AnswerBody = Type.Object(
  {
    verdict: Type.Enum(['approve', 'edit', 'reject']),
    data: Type.Optional(
      Type.Object(
        {},
        {
          additionalProperties: true,
          description: "Of edit: what takes the place of values of the messages' data",
        },
      ),
    ),
    note: Type.Optional(Type.String({ minLength: 1, maxLength: NOTE_LENGTH_MAX })),
  },
  strict,
);
const AssignBody = Type.Object({ to: Type.String({ minLength: 1, maxLength: BY_LENGTH_MAX }) }, strict);
const checkAnswer = compileSchema(AnswerBody);
const checkAssign = compileSchema(AssignBody);

const Answered = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['decision', 'flow']),
  rule: Type.String(),
  entity: Type.Object({ type: Type.String(), id: Type.String() }),
});

const LIST = {
  tags: ['management'],
  security: [{ apiKey: [] }],
  summary: 'What waits for a person, the longest first',
  querystring: Type.Object({
    rule: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: REVIEWS_LIMIT_MAX })),
  }),
  response: answers(Type.Object({ reviews: Type.Array(anything), waiting: Type.Integer() }), REFUSALS),
};

function changing(summary: string, body: TSchema): object {
  return {
    tags: ['management'],
    security: [{ apiKey: [] }],
    summary,
    params: Type.Object({ id: Type.String({ description: 'Of the decision or flow that waits' }) }),
    body: { content: { 'application/json': { schema: body } } },
    response: answers(Answered, [...REFUSALS, 413]),
  };
}

export function addReviewRoutes(app: FastifyInstance, { keys, answers: worker }: ApiOptions): void {
  app.get('/api/reviews', {
    schema: LIST,
    onRequest: (request, _reply, done) => {
      keys.viewer(request.headers.authorization);
      done();
    },
    handler: async ({ query }, reply) => {
      const texts = textsOf(query as Readonly<Record<string, unknown>>, ['rule', 'limit']);
      const [rule, limit] = [texts.get('rule'), texts.get('limit')];
      const asked = {
        ...(rule !== undefined && { rule }),
        ...(limit !== undefined && { limit: countOf('limit', limit, REVIEWS_LIMIT_MAX) }),
      };
      void reply.header('cache-control', 'no-store');
      return asRefusal(oneAnswer(worker, 'reviews.list', asked, goneSignal(reply)));
    },
  });

  type Handler = (id: string, by: string, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  const post = (path: string, schema: object, handler: Handler): void => {
    app.post(`/api/reviews/:id/${path}`, {
      schema,
      bodyLimit: BODY_BYTES_MAX,
      onRequest: (request, _reply, done) => {
        keys.holder(request.headers.authorization, 'approver');
        done();
      },
      handler: (request, reply) => {
        const { id } = request.params as { readonly id: string };
        const { name } = keys.holder(request.headers.authorization, 'approver');
        return handler(id, name, request, reply);
      },
    });
  };

  post('answer', changing('Answers what waits for a person', AnswerBody), async (id, by, { body }, reply) => {
    const { verdict, data, note } = told<Static<typeof AnswerBody>>(body, checkAnswer);
    const said = { ...(data !== undefined && { data: data as JsonObject }), ...(note !== undefined && { note }) };
    return asRefusal(oneAnswer(worker, 'reviews.answer', { id, verdict, by, ...said }, goneSignal(reply)));
  });

  post('assign', changing('Says who is to answer', AssignBody), async (id, by, { body }, reply) => {
    const { to } = told<Static<typeof AssignBody>>(body, checkAssign);
    return asRefusal(oneAnswer(worker, 'reviews.assign', { id, to, by }, goneSignal(reply)));
  });
}

function asRefusal<Result>(asked: Promise<Result>): Promise<Result> {
  return asked.catch((error: unknown) => {
    throw refusalOf(error);
  });
}

/** Throws Refusal (400). */
function told<Body>(body: unknown, check: ReturnType<typeof compileSchema>): Body {
  let value: unknown;
  try {
    value = JSON.parse(String(body));
  } catch {
    throw new Refusal(400, 'TRG_RECORD_UNREADABLE', 'the body is not JSON');
  }
  const [finding] = check(value);
  if (finding === undefined) return value as Body;
  const place = finding.path.length === 0 ? '' : `${finding.path.join('.')}: `;
  throw invalid(`${place}${finding.message}`);
}
