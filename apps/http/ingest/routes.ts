// The routes that take events: the paths of Segment's libraries, and what each has in its body.
//
// Owns: paths. Does not own: what a request goes through (gate.ts), what a message becomes (messages.ts, batch.ts).

import type { FastifyInstance } from 'fastify';
import { idPathsOf } from '../../../processors/intake/source-format.ts';
import { EVENT_SCHEMAS } from '../openapi.ts';
import { recordsOfBatch } from './batch.ts';
import { parseBody } from './body.ts';
import { recordsOfCloudEvents } from './cloud-events.ts';
import type { Content, Gate } from './gate.ts';
import { BATCH_BYTES_MAX, EVENT_BYTES_MAX } from './limits.ts';
import { recordOf } from './messages.ts';

const CALLS = ['track', 'identify', 'page', 'screen', 'group', 'alias'];
/** What analytics.js tells Segment of itself: nothing of it is an event. */
const METRICS_PATHS = ['/v1/m', '/m'];
/** CloudEvents 1.0 over HTTP. */
const CLOUD_EVENTS_PATH = '/v1/events';
/** In the words of the answer to another path. */
export const TAKEN_AT = [...CALLS, 'batch', 'import', 'events'].map((name) => `/v1/${name}`).join(', ');

/** Of one call: its name, and the letter that libraries for browsers and phones use, also without the version. */
function pathsOf(name: string): readonly string[] {
  return [`/v1/${name}`, `/v1/${name[0]}`, `/${name[0]}`];
}

const BATCH_PATHS = [...pathsOf('batch'), '/v1/import'];

/** Whether web pages may call it. */
export function isEventPath(path: string): boolean {
  return EVENT_PATHS.has(path);
}

const EVENT_PATHS: ReadonlySet<string> = new Set([
  ...CALLS.flatMap(pathsOf),
  ...BATCH_PATHS,
  ...METRICS_PATHS,
  CLOUD_EVENTS_PATH,
]);

export function addEventRoutes(app: FastifyInstance, gate: Gate): void {
  for (const type of CALLS) {
    gate.route(app, pathsOf(type), {
      bytesMax: EVENT_BYTES_MAX,
      schema: EVENT_SCHEMAS.call(type),
      proof: 'key',
      read: (bytes, _request, { source }) => {
        const body = parseBody(bytes, { paths: idPathsOf(source) });
        const toRecords: Content['toRecords'] = (target, arrival) => ({
          records: [recordOf({ ...body, type }, target, arrival)],
          rejected: [],
        });
        return { writeKey: body['writeKey'], toRecords };
      },
    });
  }
  gate.route(app, BATCH_PATHS, {
    bytesMax: BATCH_BYTES_MAX,
    schema: EVENT_SCHEMAS.batch(),
    proof: 'key',
    read: (bytes, _request, { source }) => {
      const body = parseBody(bytes, { paths: idPathsOf(source), list: 'batch' });
      return { writeKey: body['writeKey'], toRecords: (target, arrival) => recordsOfBatch(body, target, arrival) };
    },
  });
  gate.route(app, [CLOUD_EVENTS_PATH], {
    bytesMax: BATCH_BYTES_MAX,
    schema: EVENT_SCHEMAS.cloudEvents(),
    proof: 'key-in-head',
    read: (bytes, { headers }, { source }) => ({
      toRecords: (target, arrival) => recordsOfCloudEvents(headers, bytes, idPathsOf(source), target, arrival),
    }),
  });
  for (const path of METRICS_PATHS) {
    app.post(path, {
      schema: path === METRICS_PATHS[0] ? EVENT_SCHEMAS.metrics() : { hide: true },
      onRequest: (_request, reply, _done) => void reply.send({ success: true }),
      handler: () => undefined,
    });
  }
}
