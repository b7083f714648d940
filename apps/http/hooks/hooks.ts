// Inbound webhooks: a provider's own calls as events of people, by a mapping in the configuration (http.hooks).
//
// Owns: routes, what of a call becomes what of an event. Does not own: signatures (signatures.ts), what a request goes through
// (ingest/gate.ts).
//
// Invariants:
//   K1. Nothing of a body is looked at before its signature was found right.
//   K2. What is genuine and about nobody is answered with 200: a provider sends again, for days, what it sees refused. It is
//       counted, and named in the answer.

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { RecordError } from '../../../lib/errors.ts';
import { idText, valueAt } from '../../../processors/intake/exact-ids.ts';
import { isAbsent } from '../../../processors/intake/fields.ts';
import { idPathsOf } from '../../../processors/intake/source-format.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import type { HttpConfig } from '../../../services/config/config.ts';
import { parseBody } from '../ingest/body.ts';
import type { Content, Gate } from '../ingest/gate.ts';
import { BATCH_BYTES_MAX } from '../ingest/limits.ts';
import { type Arrival, recordOf, type Target } from '../ingest/messages.ts';
import { Refusal } from '../ingest/refusal.ts';
import { EVENT_SCHEMAS } from '../openapi.ts';
import { headerOf, SCHEMES, type Scheme } from './signatures.ts';

type HookConfig = HttpConfig['hooks'][string];

export interface Hook extends HookConfig {
  readonly name: string;
}

export function hooksOf(hooks: HttpConfig['hooks']): readonly Hook[] {
  return Object.entries(hooks).map(([name, hook]) => ({ ...hook, name }));
}

/** Where each provider says what, unless the configuration does. A text before `:` is a header's name. */
const DEFAULTS: Readonly<Record<Scheme, { readonly event: string; readonly messageId: string }>> = {
  'standard-webhooks': { event: 'type', messageId: 'header:webhook-id' },
  stripe: { event: 'type', messageId: 'id' },
  github: { event: 'header:x-github-event', messageId: 'header:x-github-delivery' },
  shopify: { event: 'header:x-shopify-topic', messageId: 'header:x-shopify-event-id' },
};

export function addHookRoutes(app: FastifyInstance, gate: Gate, hooks: readonly Hook[]): void {
  for (const hook of hooks) {
    gate.route(app, [`/v1/hooks/${hook.name}`], {
      bytesMax: BATCH_BYTES_MAX,
      schema: EVENT_SCHEMAS.hook(hook.name),
      proof: 'body',
      topic: hook.topic,
      read: (bytes, { headers }, { source }, { receivedAt }) => {
        const fault = SCHEMES[hook.scheme]({ headers, body: bytes, now: receivedAt, secret: hook.secret });
        if (fault !== null) throw new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', fault);
        return contentOf(hook, bytes, headers, idPathsOf(source));
      },
    });
  }
}

function contentOf(hook: Hook, bytes: Buffer, headers: IncomingHttpHeaders, ids: readonly string[]): Content {
  const own = [hook.userId, hook.messageId, hook.event].flatMap((path) => path ?? []);
  const body = parseBody(bytes, { paths: [...own, ...ids] });
  return { toRecords: (target, arrival) => recordOrReason(messageOf(hook, body, headers), target, arrival) };
}

/** K2 */
function recordOrReason(message: JsonObject, target: Target, arrival: Arrival) {
  try {
    return { records: [recordOf(message, target, arrival)], rejected: [] };
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return { records: [], rejected: [{ index: 0, code: error.code, message: error.message }] };
  }
}

function messageOf(hook: Hook, body: JsonObject, headers: IncomingHttpHeaders): JsonObject {
  const at = (path: string): Json | undefined => found(path, body, headers);
  const { event, messageId } = DEFAULTS[hook.scheme];
  const properties = hook.properties === undefined ? body : at(hook.properties);
  const timestamp = hook.timestamp === undefined ? undefined : at(hook.timestamp);
  const name = idText(at(hook.event ?? event));
  const id = at(hook.messageId ?? messageId);
  return {
    type: 'track',
    event: typeof name === 'string' ? name : '',
    userId: at(hook.userId) ?? null,
    // Ids are unique within their provider only.
    messageId: isAbsent(id) || isJsonObject(id) ? null : `${hook.name} ${String(id)}`,
    timestamp: isSeconds(timestamp) ? timestamp * 1_000 : (timestamp ?? null),
    properties: isJsonObject(properties) ? properties : null,
    context: { hook: hook.name },
  };
}

/** `=text`: the text itself; `header:name`: a header; otherwise a dotted path into the body. */
function found(path: string, body: JsonObject, headers: IncomingHttpHeaders): Json | undefined {
  if (path.startsWith('=')) return path.slice(1);
  if (path.startsWith('header:')) return headerOf(headers, path.slice('header:'.length));
  return valueAt(body, path) as Json | undefined;
}

/** Providers write times as seconds (Stripe's `created`); as ms they would be in January 1970. */
function isSeconds(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e11;
}
