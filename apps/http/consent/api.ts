// POST /v1/consent: what a person said of messages, told with a write key. 200 once it is durable: nothing begins after it (I7).

import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Clock } from '../../../lib/clock.ts';
import { RecordError } from '../../../lib/errors.ts';
import { consentChangeOf, encodeConsentChange } from '../../../schemas/consent-change.ts';
import type { Json } from '../../../schemas/json.ts';
import type { CommandWriter } from '../command-writer.ts';
import { openToAnyPage } from '../inapp/cross-origin.ts';
import { Refusal } from '../ingest/refusal.ts';
import { keyOf, type WriteKeys } from '../ingest/write-keys.ts';
import { answers } from '../openapi.ts';

export interface ConsentApiOptions {
  readonly writeKeys: WriteKeys;
  readonly writer: CommandWriter;
  /** tripline.consent-changes. */
  readonly topic: string;
  readonly clock: Clock;
}

const PATH = '/v1/consent';
const BODY_BYTES_MAX = 64 * 1024;

const CONSENT = {
  tags: ['events'],
  summary: 'What a person said of messages: consent, or taking it back',
  response: answers(Type.Object({ success: Type.Boolean() }), [400, 401, 413, 503]),
};

export function addConsentApi(app: FastifyInstance, { writeKeys, writer, topic, clock }: ConsentApiOptions): void {
  openToAnyPage(app, { paths: [PATH], methods: ['POST'] }, (part) => {
    part.post(
      PATH,
      {
        bodyLimit: BODY_BYTES_MAX,
        schema: CONSENT,
        onRequest: async ({ headers: { authorization } }) => {
          const key = authorization === undefined ? null : keyOf(authorization);
          if (key !== null && writeKeys.has(key)) return;
          throw new Refusal(401, 'TRG_HTTP_UNAUTHORIZED', 'the request has no write key, or a wrong one');
        },
      },
      async ({ body }) => {
        const change = changeOf(body, clock.now());
        await writer.append(topic, change.userId, encodeConsentChange(change));
        return { success: true };
      },
    );
  });
}

function changeOf(body: unknown, now: number) {
  let json: Json;
  try {
    json = JSON.parse(String(body)) as Json;
  } catch {
    throw new Refusal(400, 'TRG_RECORD_UNREADABLE', 'the body is not JSON');
  }
  try {
    return consentChangeOf(json, now);
  } catch (error) {
    if (error instanceof RecordError) throw new Refusal(400, 'TRG_RECORD_INVALID', error.message);
    throw error;
  }
}
