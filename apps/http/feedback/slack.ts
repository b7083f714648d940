// What people press in Slack: the buttons under a message about a review (connectors/reviews), as answers.
//
// Owns: who is believed, and what a press says. Does not own: what an answer does (processors/decide/answers.ts).
//
// Invariants:
//   S1. What Slack did not sign with this secret, within five minutes, is 403 and answers nothing.
//   S2. A press is answered once its answer is durable; pressed twice, the first counts.
//
// Facts: X-Slack-Signature is `v0=` and the HMAC-SHA256, in hex, of `v0:<X-Slack-Request-Timestamp>:<body>`; older requests than five
// minutes are to be refused (https://docs.slack.dev/authentication/verifying-requests-from-slack). A press is a form with one field,
// `payload`, JSON of type block_actions (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload); it is to be
// answered within three seconds, and the message is replaced by a POST to its response_url
// (https://docs.slack.dev/interactivity/handling-user-interaction).

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { HttpClient } from '../../../connectors/http/http-client.ts';
import { utf8Bytes } from '../../../lib/bytes.ts';
import type { Clock } from '../../../lib/clock.ts';
import { describeError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { BY_LENGTH_MAX, encodeCommand } from '../../../schemas/commands.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import { ENTITY_HEADER, NO_HEADERS } from '../../../schemas/record.ts';
import { decodeReviewButton, type ReviewButton } from '../../../schemas/review-button.ts';
import { goneSignal } from '../api/routes.ts';
import type { CommandWriter } from '../command-writer.ts';
import { Refusal } from '../ingest/refusal.ts';

export interface SlackRoutesOptions {
  readonly signingSecret: string;
  readonly writer: CommandWriter;
  /** Of commands. */
  readonly topic: string;
  /** For replacing messages that were answered; its time is short of Slack's three seconds. */
  readonly client: Pick<HttpClient, 'post'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const AGE_MS_MAX = 300_000;
const BODY_BYTES_MAX = 1024 * 1024;

/** `now`: ms. */
export function isSlackSignature(
  secret: string,
  { timestamp, signature }: { readonly timestamp: string; readonly signature: string },
  body: Uint8Array,
  now: number,
): boolean {
  const at = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1_000 : Number.NaN;
  if (!(Math.abs(now - at) <= AGE_MS_MAX)) return false;
  const expected = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
  const [left, right] = [Buffer.from(expected), Buffer.from(signature)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface SlackPress extends ReviewButton {
  readonly verdict: 'approve' | 'reject';
  /** Who pressed, as Slack calls them. */
  readonly by: string;
  /** Where the message is replaced; null: nowhere. */
  readonly responseUrl: string | null;
}

/** Null: something else was pressed, or done. */
export function slackPress(body: Uint8Array): SlackPress | null {
  const payload = payloadOf(body);
  if (payload?.['type'] !== 'block_actions' || !Array.isArray(payload['actions'])) return null;
  for (const action of payload['actions']) {
    if (!isJsonObject(action)) continue;
    const { action_id: id, value } = action;
    const verdict = VERDICTS.get(String(id));
    const button = verdict === undefined ? null : decodeReviewButton(String(value));
    if (verdict === undefined || button === null) continue;
    const { response_url: url = null } = payload;
    return { ...button, verdict, by: personOf(payload), responseUrl: typeof url === 'string' ? url : null };
  }
  return null;
}

/** By the ids of the buttons in connectors/channels/templates/built-in.ts. */
const VERDICTS: ReadonlyMap<string, 'approve' | 'reject'> = new Map([
  ['tripline-approve', 'approve'],
  ['tripline-reject', 'reject'],
]);

function personOf({ user = null }: JsonObject): string {
  const { id = '', name, username } = isJsonObject(user) ? user : {};
  const called = name ?? username;
  return (typeof called === 'string' ? `${called} (Slack ${id})` : `Slack ${id}`).slice(0, BY_LENGTH_MAX);
}

function payloadOf(body: Uint8Array): JsonObject | null {
  try {
    const text = new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload') ?? '';
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function addSlackRoutes(app: FastifyInstance, options: SlackRoutesOptions): void {
  const { signingSecret, writer, topic, client, clock, logger } = options;
  app.post('/feedback/slack', { schema: { hide: true }, bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const timestamp = String(request.headers['x-slack-request-timestamp'] ?? '');
    const signature = String(request.headers['x-slack-signature'] ?? '');
    if (!isSlackSignature(signingSecret, { timestamp, signature }, body, clock.now())) {
      throw new Refusal(403, 'TRG_HTTP_FORBIDDEN', 'the signature is not right, or older than five minutes');
    }
    const press = slackPress(body);
    // Of the same app there may be other buttons, in messages of templates.
    if (press === null) return reply.send();
    const { of, entity, since, verdict, by, responseUrl } = press;
    // An answer counts after the question, whatever the clocks say.
    const answer = { kind: 'answer', of, verdict, data: {}, by, at: Math.max(clock.now(), since + 1) } as const;
    const headers = entity.type === 'user' ? NO_HEADERS : [[ENTITY_HEADER, utf8Bytes(entity.type)] as const];
    await writer.append(topic, entity.id, encodeCommand(answer), headers);
    if (responseUrl !== null) await replace(responseUrl, press, goneSignal(reply));
    return reply.send();
  });

  /** Without its buttons nobody presses it again. */
  async function replace(url: string, { verdict, by, of }: SlackPress, signal: AbortSignal): Promise<void> {
    const text = `${verdict === 'approve' ? 'Approved' : 'Rejected'} by ${escaped(by)}, unless it was answered before. Id: ${of}`;
    const body = JSON.stringify({ replace_original: true, text });
    try {
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      const { status } = await client.post({ url, headers, body }, signal);
      if (status !== 200) logger.warn({ status }, 'an answered message in Slack could not be replaced');
    } catch (error) {
      logger.warn({ error: describeError(error) }, 'an answered message in Slack could not be replaced');
    }
  }
}

/** https://docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
