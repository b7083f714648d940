// Where the world tells what came of messages: callbacks of providers, the pixel of an opened mail, clicked links.
//
// Owns: who is believed, answers. Does not own: what an outcome means (twilio.ts, sendgrid.ts, ses.ts, connectors/feedback).
//
// Invariants:
//   K1. What is not signed by who may tell is 401 or 403, and leaves no record.
//   K2. A callback is answered once its record is durable; told again, it counts once (connectors/feedback).
//   K3. A click leads where the message said, signed by us, and nowhere else; scanners are led there too, and told apart.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isbot } from 'isbot';
import { request as httpRequest } from 'undici';
import type { Links } from '../../../connectors/channels/links/links.ts';
import { utf8Bytes } from '../../../lib/bytes.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { type Feedback, NO_FEEDBACK } from '../../../schemas/feedback.ts';
import type { Json } from '../../../schemas/json.ts';
import type { CommandWriter } from '../command-writer.ts';
import { Refusal } from '../ingest/refusal.ts';
import { isSendgridSignature, sendgridFeedback } from './sendgrid.ts';
import { isAmazons, isSnsSignature, sesFeedback, snsMessageOf } from './ses.ts';
import { inboundFeedback, isTwilioSignature, type KeyedFeedback, statusFeedback } from './twilio.ts';

export interface FeedbackRoutesOptions {
  readonly writer: CommandWriter;
  readonly topic: string;
  /** As callers see this installation, without a slash at its end. */
  readonly publicUrl: string;
  readonly links: Links;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the text channels, whose callbacks come here; empty: none are believed. */
  readonly twilioTokens: readonly string[];
  readonly sendgridKey: string | null;
  /** Topics of SNS that may tell. */
  readonly sesTopics: readonly string[];
  /** In place of asking Amazon, for tests: the certificate at a URL, PEM; and confirming. */
  readonly fetchText?: (url: string) => Promise<string>;
}

/** 1x1, transparent. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const NEVER_KEPT = { 'cache-control': 'no-store, no-cache, must-revalidate, private', pragma: 'no-cache' };
const TEXT_MAX = 64 * 1024;
/** Providers and browsers call these by their own rules; the document is for those who write programs. */
const HIDDEN = { schema: { hide: true }, bodyLimit: 1024 * 1024 };

export function addFeedbackRoutes(app: FastifyInstance, options: FeedbackRoutesOptions): void {
  const { writer, topic, links, clock } = options;
  const keep = async (told: readonly KeyedFeedback[]): Promise<void> => {
    await Promise.all(told.map(({ key, feedback }) => writer.append(topic, key, utf8Bytes(JSON.stringify(feedback)))));
  };

  app.post('/feedback/twilio', HIDDEN, async (request, reply) => {
    const form = Object.fromEntries(new URLSearchParams(textOf(request)));
    const url = options.publicUrl + request.url;
    const signature = String(request.headers['x-twilio-signature'] ?? '');
    if (!options.twilioTokens.some((token) => isTwilioSignature(token, url, form, signature))) throw refused(403);
    const now = clock.now();
    const action = new URL(url).searchParams.get('action');
    const isInbound = form['MessageStatus'] === undefined && form['Body'] !== undefined;
    if (isInbound) await keep([inboundFeedback(form, now)]);
    else if (action !== null) await keep(statusFeedback(action, form, now));
    return reply.type('text/xml').send('<?xml version="1.0" encoding="UTF-8"?><Response/>');
  });

  app.post('/feedback/sendgrid', HIDDEN, async (request, reply) => {
    const timestamp = String(request.headers['x-twilio-email-event-webhook-timestamp'] ?? '');
    const signature = String(request.headers['x-twilio-email-event-webhook-signature'] ?? '');
    const { sendgridKey } = options;
    if (sendgridKey === null || !isSendgridSignature(sendgridKey, timestamp, bytesOf(request), signature)) {
      throw refused(403);
    }
    const events = jsonOf(request);
    if (events === undefined) throw refused(400);
    await keep(sendgridFeedback(events));
    return reply.send({ success: true });
  });

  app.post('/feedback/ses', HIDDEN, async (request, reply) => {
    const message = snsMessageOf(jsonOf(request) ?? null);
    if (message === null) throw refused(400);
    const fetchText = options.fetchText ?? fetchedText;
    if (!options.sesTopics.includes(message['TopicArn'] ?? '')) throw refused(403);
    if (!isAmazons(message['SigningCertURL'])) throw refused(403);
    if (!isSnsSignature(message, await fetchText(message['SigningCertURL']!))) throw refused(403);
    if (message['Type'] === 'Notification') await keep(sesFeedback(message));
    else if (message['Type'] === 'SubscriptionConfirmation' && isAmazons(message['SubscribeURL'])) {
      await fetchText(message['SubscribeURL']!);
      options.logger.info({ topic: message['TopicArn'] }, 'confirmed the subscription of an SNS topic');
    }
    return reply.send({ success: true });
  });

  app.get<{ Params: { token: string } }>('/o/:token', HIDDEN, async (request, reply) => {
    const link = links.read('o', request.params.token);
    if (link !== null) await keep([followed(request, link.reference.action, 'opened', null, link)]);
    return reply.headers(NEVER_KEPT).type('image/gif').send(PIXEL);
  });

  app.get<{ Params: { token: string } }>('/c/:token', HIDDEN, async (request, reply) => {
    const link = links.read('c', request.params.token);
    if (link === null || link.url === null) throw refused(404);
    await keep([followed(request, link.reference.action, 'clicked', link.url, link)]);
    return reply.headers(NEVER_KEPT).redirect(link.url, 302);
  });

  function followed(
    request: FastifyRequest,
    action: string,
    outcome: 'opened' | 'clicked',
    url: string | null,
    { reference }: { readonly reference: Feedback['reference'] },
  ): KeyedFeedback {
    const isMachine = isMachineRequest(request);
    // A person who opens again has opened; each link counts once, a scanner's visit apart from a person's.
    const id = [outcome, url ?? '', isMachine ? 'machine' : 'person'].join(' ');
    return { key: action, feedback: { ...NO_FEEDBACK, id, outcome, at: clock.now(), url, isMachine, reference } };
  }
}

/** Bots by their name, and whoever only looks ahead. */
function isMachineRequest({ headers, method }: FastifyRequest): boolean {
  const ahead = ['purpose', 'sec-purpose', 'x-purpose', 'x-moz'].some((name) =>
    /prefetch|preview|prerender/i.test(String(headers[name] ?? '')),
  );
  return ahead || method === 'HEAD' || isbot(headers['user-agent'] ?? '');
}

function refused(status: 400 | 403 | 404): Refusal {
  if (status === 400) return new Refusal(400, 'TRG_RECORD_INVALID', 'this is no callback');
  if (status === 403) return new Refusal(403, 'TRG_HTTP_FORBIDDEN', 'the signature is not right');
  return new Refusal(404, 'TRG_HTTP_NOT_FOUND', 'this link is none of ours');
}

function bytesOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function textOf(request: FastifyRequest): string {
  return bytesOf(request).toString('utf8');
}

function jsonOf(request: FastifyRequest): Json | undefined {
  try {
    return JSON.parse(textOf(request)) as Json;
  } catch {
    return undefined;
  }
}

async function fetchedText(url: string): Promise<string> {
  const { statusCode, body } = await httpRequest(url, { headersTimeout: 5_000, bodyTimeout: 5_000 });
  const text = await body.text();
  if (statusCode !== 200 || text.length > TEXT_MAX) return '';
  return text;
}
