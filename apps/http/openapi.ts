// The OpenAPI 3.1 document of a process, made of the schemas that its routes name, and served at /openapi.json.
//
// Owns: the document's head, and the shapes that routes share. Does not own: checking what comes, which messages of errors for
// people need more for than a schema gives (processors/intake), nor the routes.

import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import Type, { type TSchema } from 'typebox';

const PATH = '/openapi.json';

/** Lists the routes of plugins that are registered after it. */
export function documentRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tripline', version: '1', description: 'Events in, decisions out: see docs/ingest.md.' },
      components: {
        securitySchemes: {
          writeKey: { type: 'http', scheme: 'basic', description: 'One of http.writeKeys as user name, no password' },
          apiKey: { type: 'http', scheme: 'bearer', description: 'Made by `tripline keys create`' },
        },
      },
    },
  });
  app.get(PATH, { schema: { hide: true } }, () => app.swagger());
}

const Refused = Type.Object(
  { success: Type.Literal(false), code: Type.String({ pattern: '^TRG_' }), message: Type.String() },
  { description: 'Why it was not done; docs/errors.md has the codes' },
);

const Taken = Type.Object(
  {
    success: Type.Literal(true),
    rejected: Type.Optional(
      Type.Array(Type.Object({ index: Type.Integer({ minimum: 0 }), code: Type.String(), message: Type.String() }), {
        description: 'Messages that were not kept, by their place',
      }),
    ),
  },
  { description: 'All others are durably in the log' },
);

/** What each status that a route may answer with has in its body. */
export function answers(ok: TSchema, refusals: readonly number[]): Readonly<Record<string, unknown>> {
  return { 200: json(ok), ...Object.fromEntries(refusals.map((status) => [status, json(Refused)])) };
}

function json(schema: TSchema): object {
  const { description = 'As asked' } = schema as { description?: string };
  return { description, content: { 'application/json': { schema } } };
}

const id = (description: string) => Type.Union([Type.String(), Type.Number(), Type.Null()], { description });
const object = (description: string) =>
  Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], { description });
const time = (description: string) => Type.Union([Type.String(), Type.Integer(), Type.Null()], { description });

const MESSAGE = {
  userId: Type.Optional(id('Who it is about')),
  anonymousId: Type.Optional(id('Who it is about while nobody is logged in')),
  messageId: Type.Optional(id('Sent twice, it counts once')),
  timestamp: Type.Optional(time('When it happened: ISO 8601 with a zone, or ms since 1970')),
  sentAt: Type.Optional(time('When it was sent, by the same clock')),
  properties: Type.Optional(object('What is to be known of it')),
  traits: Type.Optional(object('What is to be known of the person or group')),
  context: Type.Optional(object('Where it happened')),
  writeKey: Type.Optional(Type.String({ description: 'Where there is no Authorization header' })),
};

const Message = Type.Object(MESSAGE, { additionalProperties: true });
const Track = Type.Object({ ...MESSAGE, event: Type.String({ minLength: 1 }) }, { additionalProperties: true });
const Batch = Type.Object(
  {
    batch: Type.Array(Type.Object({ ...MESSAGE, type: Type.String() }, { additionalProperties: true })),
    context: MESSAGE.context,
    sentAt: MESSAGE.sentAt,
    writeKey: MESSAGE.writeKey,
  },
  { additionalProperties: true },
);
const CloudEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1 }),
    source: Type.String({ minLength: 1 }),
    type: Type.String({ minLength: 1 }),
    subject: Type.String({ minLength: 1 }),
    time: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);

const INGEST_REFUSALS = [400, 401, 413, 429, 503];

function taking(summary: string, body: object, security: object[] = [{ writeKey: [] }]): object {
  return { summary, tags: ['events'], body, security, response: answers(Taken, INGEST_REFUSALS) };
}

const content = (type: string, schema: TSchema) => ({ content: { [type]: { schema } } });

/** By what a route takes. */
export const EVENT_SCHEMAS = {
  call: (name: string) => taking(`A ${name} message`, content('application/json', name === 'track' ? Track : Message)),
  batch: () => taking('Many messages', content('application/json', Batch)),
  cloudEvents: () => taking('CloudEvents 1.0', content('application/cloudevents+json', CloudEvent)),
  hook: (name: string) => {
    const any = content('application/json', Type.Object({}, { additionalProperties: true }));
    return taking(`Webhooks of ${name}, signed by it`, any, []);
  },
  metrics: () => ({
    summary: 'What analytics.js measures of itself: taken and dropped',
    tags: ['events'],
    response: answers(Taken, [503]),
  }),
} as const;
