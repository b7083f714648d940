// PUT and DELETE /api/people/ID/devices/DEVICE: a device that a person has, or has no more.
//
// Owns: who may tell, and what a body says. Does not own: what becomes of it (the entity's task reads the topic of commands).
//
// Invariants:
//   D1. A user's own token tells of that user's devices alone.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Clock } from '../../../lib/clock.ts';
import { type DeviceCommand, deviceOf, encodeCommand } from '../../../schemas/commands.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import type { CommandWriter } from '../command-writer.ts';
import { openToAnyPage } from '../inapp/cross-origin.ts';
import type { UserTokens } from '../inapp/user-token.ts';
import { Refusal } from '../ingest/refusal.ts';
import { keyOf, type WriteKeys } from '../ingest/write-keys.ts';
import { answers } from '../openapi.ts';
import type { ApiKeys } from './api-keys.ts';

export interface DeviceRoutesOptions {
  readonly keys: ApiKeys;
  readonly writeKeys: WriteKeys;
  /** Null: there is no inbox, and so no user has a token. */
  readonly tokens: UserTokens | null;
  readonly writer: CommandWriter;
  /** Of commands. */
  readonly topic: string;
  readonly clock: Clock;
}

const PATH = '/api/people/:id/devices/:device';
/** A subscription with its keys has some 500 bytes. */
const BODY_BYTES_MAX = 16 * 1024;

export function addDeviceRoutes(app: FastifyInstance, options: DeviceRoutesOptions): void {
  const { writer, topic, clock } = options;
  const tell = async (request: FastifyRequest, commandOf: (device: string) => DeviceCommand) => {
    const { id, device } = request.params as { readonly id: string; readonly device: string };
    await writer.append(topic, id, encodeCommand(commandOf(device)));
    return { success: true };
  };
  const onRequest = (request: FastifyRequest): Promise<void> => authorise(request, options);
  openToAnyPage(app, { paths: [PATH], methods: ['PUT', 'DELETE'] }, (part) => {
    part.put(
      PATH,
      { schema: schemaOf('A device that a person has'), bodyLimit: BODY_BYTES_MAX, onRequest },
      (request) =>
        tell(request, (id) => {
          const device = deviceOf({ ...told(request.body), id });
          return { kind: 'device', op: 'set', device, at: clock.now() };
        }),
    );
    part.delete(
      PATH,
      { schema: schemaOf('A device that a person has no more'), bodyLimit: BODY_BYTES_MAX, onRequest },
      (request) => tell(request, (id) => ({ kind: 'device', op: 'remove', device: { id }, at: clock.now() })),
    );
  });
}

function schemaOf(summary: string): object {
  return {
    tags: ['management'],
    summary,
    security: [{ apiKey: [] }],
    params: Type.Object({ id: Type.String(), device: Type.String() }),
    response: answers(Type.Object({ success: Type.Boolean() }), [400, 401, 403, 404, 413, 503]),
  };
}

/** Throws Refusal: 401, 403. */
async function authorise(request: FastifyRequest, { keys, writeKeys, tokens }: DeviceRoutesOptions): Promise<void> {
  const { authorization } = request.headers;
  const key = authorization === undefined ? null : keyOf(authorization);
  if (key !== null && writeKeys.has(key)) return;
  // A key has no dots, a token two.
  if (tokens !== null && key?.split('.').length === 3) {
    const { user } = await tokens.user(authorization, null);
    if (user === (request.params as { readonly id: string }).id) return;
    throw new Refusal(403, 'TRG_HTTP_FORBIDDEN', 'a user token tells of the devices of its own user alone');
  }
  keys.viewer(authorization);
}

/** `{type, token, app}`, or `{type: "web", subscription: {endpoint, keys: {p256dh, auth}}}` as browsers have it. */
function told(body: unknown): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(String(body));
  } catch {
    value = null;
  }
  if (!isJsonObject(value)) throw new Refusal(400, 'TRG_RECORD_UNREADABLE', 'the body is no JSON object');
  const { type = null, token = null, app = null, subscription = null } = value;
  if (!isJsonObject(subscription)) return { type, token, app, subscription };
  const { endpoint = null, keys } = subscription;
  const { p256dh = null, auth = null } = isJsonObject(keys) ? keys : {};
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Refusal(400, 'TRG_RECORD_INVALID', '"subscription.endpoint" is not a web address');
  }
  return { type, token, app, subscription: { endpoint, p256dh, auth } };
}
