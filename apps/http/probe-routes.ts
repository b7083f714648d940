// /health/live, /health/ready and /metrics. They need no key: they tell nothing of people or events.

import type { FastifyInstance } from 'fastify';
import { type Health, readiness } from '../../services/telemetry/health.ts';

/** What Telemetry has to show; a process without engines shows that it serves. */
export interface Shown {
  live(): Health;
  ready(others: readonly string[]): Health;
  prometheus(): string;
}

/** Of a process without engines. */
export const NOTHING_SHOWN: Shown = {
  live: () => ({ isOk: true, body: { status: 'live' } }),
  ready: (others) => readiness([], 0, others),
  prometheus: () => '',
};

/** `others`: what besides the engines is not ready, in words; none: all of it is. */
export function addTelemetryRoutes(app: FastifyInstance, shown: Shown, others: () => readonly string[]): void {
  app.get('/health/live', (_request, reply) => {
    const { isOk, body } = shown.live();
    return reply.code(isOk ? 200 : 503).send(body);
  });
  app.get('/health/ready', (_request, reply) => {
    const { isOk, body } = shown.ready(others());
    return reply.code(isOk ? 200 : 503).send(body);
  });
  app.get('/metrics', (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(shown.prometheus()),
  );
}
