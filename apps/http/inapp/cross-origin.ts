// Lets pages of any origin call the routes of one part of the server: what they carry is a token, never a cookie.

import type { FastifyInstance } from 'fastify';

const MAX_AGE_S = 86_400;

/** `routes` are added in a part of their own, with preflights of their paths answered. */
export function openToAnyPage(
  app: FastifyInstance,
  { paths, methods }: { readonly paths: readonly string[]; readonly methods: readonly string[] },
  routes: (part: FastifyInstance) => void,
): void {
  app.register(async (part) => {
    part.addHook('onRequest', (_request, reply, done) => {
      // Set on the raw answer as well: a stream is written by hand.
      reply.raw.setHeader('access-control-allow-origin', '*');
      reply.raw.setHeader('access-control-expose-headers', 'Retry-After');
      done();
    });
    for (const path of paths) {
      part.options(path, { schema: { hide: true } }, (_request, reply) =>
        reply
          .headers({
            'access-control-allow-methods': methods.join(', '),
            'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
            'access-control-max-age': String(MAX_AGE_S),
          })
          .code(204)
          .send(),
      );
    }
    routes(part);
  });
}
