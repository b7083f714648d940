// Which web pages may send events (configuration: http.cors). Only routes that take events may be called from pages.

import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** How long a browser remembers that it may. */
const MAX_AGE_S = 86_400;

/** Of the routes of `app`, whose paths `isOpen` knows: a preflight of any other path is not answered. */
export async function openToPages(
  app: FastifyInstance,
  origins: readonly string[],
  isOpen: (path: string) => boolean,
): Promise<void> {
  app.addHook('onRequest', (request, reply, done) => {
    // The library answers preflights of every path there is.
    if (request.method === 'OPTIONS' && !isOpen(pathOf(request.url))) reply.callNotFound();
    else done();
  });
  await app.register(cors, {
    // A list is compared with the page's origin, and the answer then varies by it.
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['POST'],
    // So that a library in a page sees when to send again.
    exposedHeaders: ['Retry-After'],
    maxAge: MAX_AGE_S,
    strictPreflight: false,
  });
}

export function pathOf(url: string): string {
  return url.split('?', 1)[0]!;
}
