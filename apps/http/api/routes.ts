// The routes of the management API for people and programs: decisions, what is remembered of a person, cancelling flows.
//
// Owns: what a request says, and how an answer looks. Does not own: answering (services/operations.ts), keys (api-keys.ts).

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { EngineError, RetryableError } from '../../../lib/errors.ts';
import { parseInstant } from '../../../lib/instant.ts';
import { compileSchema } from '../../../lib/schema-check.ts';
import { OUTCOMES } from '../../../schemas/decision.ts';
import { type DecisionPageQuery, PAGE_LIMIT_MAX } from '../../../services/decisions/page.ts';
import { oneAnswer } from '../../../services/live/one-answer.ts';
import type { Answers } from '../../../services/live/socket-server.ts';
import type { InputOf } from '../../../services/operations.ts';
import { Refusal } from '../ingest/refusal.ts';
import { answers } from '../openapi.ts';
import type { ApiKeys } from './api-keys.ts';

export interface ApiOptions {
  readonly keys: ApiKeys;
  readonly answers: Answers;
}

/** What a caller is told to wait when a worker cannot answer just now. */
const RETRY_AFTER_MS = 1_000;

export function addApiRoutes(app: FastifyInstance, { keys, answers: worker }: ApiOptions): void {
  type Answer = (request: FastifyRequest, signal: AbortSignal) => Promise<unknown>;
  const get = (path: string, schema: object, answer: Answer): void => {
    app.get(`/api${path}`, {
      schema: { tags: ['management'], security: [{ apiKey: [] }], ...schema },
      onRequest: (request, _reply, done) => {
        keys.viewer(request.headers.authorization);
        done();
      },
      handler: async (request, reply) => {
        // It is about people, and as of now.
        void reply.header('cache-control', 'no-store');
        return answer(request, goneSignal(reply)).catch((error: unknown) => {
          throw refusalOf(error);
        });
      },
    });
  };

  /** `?limit&cursor&rule&user&outcome&from&to`: `{decisions, next}`, the newest first. */
  get('/decisions', DECISIONS, async ({ query }, signal) => {
    return oneAnswer(worker, 'decisions.page', pageQuery(query as Readonly<Record<string, unknown>>), signal);
  });

  /** The live document of a user. */
  get('/people/:id', PERSON, async ({ params }, signal) => {
    const { id } = params as { readonly id: string };
    if (id.trim() === '') throw invalid('the id of the person is blank');
    const { documents } = await oneAnswer(worker, 'state.entity', { type: 'user', id }, signal);
    const [document] = documents;
    if (document === undefined) throw new Refusal(404, 'TRG_HTTP_NOT_FOUND', 'nothing is remembered of this person');
    return document;
  });

  app.post('/api/flows/cancel', {
    schema: CANCEL,
    bodyLimit: CANCEL_BYTES_MAX,
    onRequest: (request, _reply, done) => {
      keys.holder(request.headers.authorization, 'editor');
      done();
    },
    handler: async (request, reply) => {
      const { name } = keys.holder(request.headers.authorization, 'editor');
      const asked = cancelOf(request.body, name);
      return oneAnswer(worker, 'flows.cancel', asked, goneSignal(reply)).catch((error: unknown) => {
        throw refusalOf(error);
      });
    },
  });
}

export const REFUSALS = [400, 401, 403, 404, 503];
const anything = Type.Object({}, { additionalProperties: true });

const DECISIONS = {
  summary: 'Decisions, the newest first',
  querystring: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX })),
    cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
    rule: Type.Optional(Type.String()),
    user: Type.Optional(Type.String()),
    outcome: Type.Optional(Type.Enum([...OUTCOMES])),
    from: Type.Optional(Type.String({ description: 'A time such as 2026-01-31T00:00:00Z' })),
    to: Type.Optional(Type.String({ description: 'A time such as 2026-01-31T00:00:00Z' })),
  }),
  response: answers(
    Type.Object({ decisions: Type.Array(anything), next: Type.Union([Type.String(), Type.Null()]) }),
    REFUSALS,
  ),
};

const PERSON = {
  summary: 'What is remembered of a person',
  params: Type.Object({ id: Type.String() }),
  response: answers(anything, REFUSALS),
};

const strict = { additionalProperties: false };
const ID = Type.String({ minLength: 1 });

/** Of one user, of one entity, or of `all`. */
const CancelBody = Type.Object(
  {
    rule: ID,
    user: Type.Optional(ID),
    entity: Type.Optional(Type.Object({ type: ID, id: ID }, strict)),
    all: Type.Optional(Type.Literal(true)),
  },
  strict,
);
const checkCancel = compileSchema(CancelBody);

const CANCEL = {
  tags: ['management'],
  summary: 'Cancels the flows of a rule that live, of one entity or of all',
  security: [{ apiKey: [] }],
  response: answers(Type.Object({ cancelled: Type.Integer() }), [...REFUSALS, 413]),
};
const CANCEL_BYTES_MAX = 16 * 1024;

/** `by`: the name of the key. Throws Refusal (400). */
function cancelOf(body: unknown, by: string): InputOf<'flows.cancel'> {
  let value: unknown;
  try {
    value = JSON.parse(String(body));
  } catch {
    throw new Refusal(400, 'TRG_RECORD_UNREADABLE', 'the body is not JSON');
  }
  const [finding] = checkCancel(value);
  if (finding !== undefined)
    throw invalid(`${finding.path.length === 0 ? '' : `${finding.path.join('.')}: `}${finding.message}`);
  const { rule, user, entity, all } = value as Type.Static<typeof CancelBody>;
  if ([user, entity, all].filter((each) => each !== undefined).length !== 1) {
    throw invalid('one of "user", "entity" and "all" is to be given');
  }
  const whom = user === undefined ? entity : { type: 'user', id: user };
  return { rule, by, ...(whom === undefined ? { all: true } : { entity: whom }) };
}

/** Aborts when the caller goes away. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

const PARAMETERS = ['limit', 'cursor', 'rule', 'user', 'outcome', 'from', 'to'];

/** Throws Refusal (400) for what is no query of decisions. */
function pageQuery(query: Readonly<Record<string, unknown>>): DecisionPageQuery {
  const texts = textsOf(query, PARAMETERS);
  const [limit, outcome, from, to] = ['limit', 'outcome', 'from', 'to'].map((name) => texts.get(name));
  const [cursor, rule, user] = ['cursor', 'rule', 'user'].map((name) => texts.get(name));
  return {
    ...(limit !== undefined && { limit: countOf('limit', limit, PAGE_LIMIT_MAX) }),
    ...(outcome !== undefined && { outcome: outcomeOf(outcome) }),
    ...(from !== undefined && { from: timeOf('from', from) }),
    ...(to !== undefined && { to: timeOf('to', to) }),
    ...(cursor !== undefined && { cursor }),
    ...(rule !== undefined && { rule }),
    ...(user !== undefined && { user }),
  };
}

/** The parameters of a query by name, each given once. Throws Refusal (400) for one that is not among `known`. */
export function textsOf(
  query: Readonly<Record<string, unknown>>,
  known: readonly string[],
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) throw invalid(`there is no parameter "${name}", only ${known.join(', ')}`);
    if (typeof value !== 'string' || value === '') throw invalid(`"${name}" is to be given once, with a value`);
    texts.set(name, value);
  }
  return texts;
}

/** Throws Refusal (400). */
export function countOf(name: string, text: string, max: number): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1 && count <= max) return count;
  throw invalid(`"${name}" is a number from 1 to ${max}`);
}

function outcomeOf(text: string) {
  const outcome = OUTCOMES.find((each) => each === text);
  if (outcome !== undefined) return outcome;
  throw invalid(`"outcome" is one of ${OUTCOMES.join(', ')}`);
}

function timeOf(name: string, text: string): number {
  const time = parseInstant(text);
  if (!Number.isNaN(time)) return time;
  throw invalid(`"${name}" is a time such as 2026-01-31T00:00:00Z`);
}

export function invalid(message: string): Refusal {
  return new Refusal(400, 'TRG_USAGE', message);
}

const NOT_FOUND: ReadonlySet<string> = new Set(['TRG_NAME_UNKNOWN', 'TRG_REVIEW_NOT_WAITING']);

/** What is answered instead; what is not foreseen stays what it is. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof EngineError) || error instanceof Refusal) return error;
  const { code, message } = error;
  if (error instanceof RetryableError) return new Refusal(503, code, message, RETRY_AFTER_MS);
  if (code === 'TRG_USAGE') return new Refusal(400, code, message);
  return NOT_FOUND.has(code) ? new Refusal(404, code, message) : new Refusal(500, code, message);
}
