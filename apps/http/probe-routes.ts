// /health/live, /health/ready and /metrics. They need no key: they tell nothing of people or events.

import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
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

function health(summary: string): object {
  const body = { content: { 'application/json': { schema: Type.Object({}, { additionalProperties: true }) } } };
  const response = { 200: { description: 'Yes', ...body }, 503: { description: 'No, and why', ...body } };
  return { summary, tags: ['process'], response };
}

const METRICS = {
  summary: 'Figures, as Prometheus reads them',
  tags: ['process'],
  response: { 200: { description: 'Text', content: { 'text/plain': { schema: Type.String() } } } },
};

/** `others`: what besides the engines is not ready, in words; none: all of it is. */
export function addTelemetryRoutes(app: FastifyInstance, shown: Shown, others: () => readonly string[]): void {
  app.get('/health/live', { schema: health('Whether the process works') }, (_request, reply) => {
    const { isOk, body } = shown.live();
    return reply.code(isOk ? 200 : 503).send(body);
  });
  app.get('/health/ready', { schema: health('Whether it takes and processes events') }, (_request, reply) => {
    const { isOk, body } = shown.ready(others());
    return reply.code(isOk ? 200 : 503).send(body);
  });
  app.get('/metrics', { schema: METRICS }, (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(shown.prometheus()),
  );
}
