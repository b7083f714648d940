// The routes of the inbox, for browsers and apps of a site's users.
//
// Owns: what a request says, and how an answer looks. Does not own: what is in an inbox (connectors/channels/inapp), tokens
// (user-token.ts), who is told of changes (streams.ts).
//
// Invariants:
//   R1. Whoever asks sees and changes the inbox of the user that the token names, and no other.
//   R2. A state that was told twice is reached once.

import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import { RetryableError } from '../../../lib/errors.ts';
import { encodeInboxCommand, INBOX_STATES, isInboxState } from '../../../schemas/inbox.ts';
import type { InboxView } from '../../../services/inbox/inbox.ts';
import { goneSignal } from '../api/routes.ts';
import type { CommandWriter } from '../command-writer.ts';
import { Refusal, unavailable } from '../ingest/refusal.ts';
import { openToAnyPage } from './cross-origin.ts';
import type { ReadInbox } from './inbox-reader.ts';
import type { EventSink, InboxStreams } from './streams.ts';
import type { UserTokens } from './user-token.ts';

export interface InboxRoutesOptions {
  readonly tokens: UserTokens;
  readonly read: ReadInbox;
  readonly streams: InboxStreams;
  readonly writer: CommandWriter;
  /** Of inboxes. */
  readonly topic: string;
  readonly clock: Clock;
}

const RETRY_AFTER_MS = 1_000;
/** How long a change may take until it is in the inbox; then it is answered without. */
const APPLY_MS_MAX = 2_000;
const APPLY_AGAIN_MS = 10;
/** What a browser waits before it opens a stream again, ms. */
const STREAM_RETRY_MS = 2_000;
/** The client is who calls these: docs/channels/inapp.md has them. */
const HIDDEN = { schema: { hide: true } };
const CLIENT = readFileSync(new URL('./client.js', import.meta.url));
const PATHS = ['/inapp/messages', '/inapp/stream', '/inapp/messages/:id/:what', '/inapp/client.js'];

export function addInboxRoutes(app: FastifyInstance, options: InboxRoutesOptions): void {
  const { tokens, read, streams } = options;
  app.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  openToAnyPage(app, { paths: PATHS, methods: ['GET', 'POST'] }, (part) => {
    part.get('/inapp/client.js', HIDDEN, (_request, reply) =>
      reply
        .headers({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=300' })
        .send(CLIENT),
    );

    /** `{messages, unread}`, the newest first. */
    part.get('/inapp/messages', HIDDEN, async (request, reply) => {
      const { user } = await tokens.user(request.headers.authorization, request.query);
      void reply.header('cache-control', 'no-store');
      const { entries, unread } = await asked(read(user, goneSignal(reply)));
      return { messages: entries.map(({ message }) => message), unread };
    });

    part.post('/inapp/messages/:id/:what', HIDDEN, (request, reply) => change(request, reply, options));

    part.get('/inapp/stream', HIDDEN, (request, reply) => stream(request, reply, options));
  });
}

/** `{success, unread}`. */
async function change(
  request: FastifyRequest,
  reply: FastifyReply,
  { tokens, read, writer, topic, clock }: InboxRoutesOptions,
): Promise<{ success: true; unread: number }> {
  const { user } = await tokens.user(request.headers.authorization, request.query);
  const { id, what } = request.params as { readonly id: string; readonly what: string };
  if (!isInboxState(what)) throw new Refusal(404, 'TRG_HTTP_NOT_FOUND', `a message is ${INBOX_STATES.join(', ')}`);
  const signal = goneSignal(reply);
  const entryOf = ({ entries }: InboxView) => entries.find(({ message }) => message.id === id);
  let view = await asked(read(user, signal));
  if (entryOf(view) === undefined) throw new Refusal(404, 'TRG_HTTP_NOT_FOUND', 'there is no such message');
  if (entryOf(view)!.states.includes(what)) return { success: true, unread: view.unread };
  await writer.append(topic, user, encodeInboxCommand({ kind: 'state', id, state: what }));
  // It counts from here on; what follows is only so that whoever reads next sees it.
  const until = clock.now() + APPLY_MS_MAX;
  while (entryOf(view)?.states.includes(what) === false && clock.now() < until && !signal.aborted) {
    await clock.sleep(APPLY_AGAIN_MS, signal);
    view = await read(user, signal).catch(() => view);
  }
  return { success: true, unread: view.unread };
}

/** Server-sent events until the token ends, the reader goes away, or this process stops. */
async function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  { tokens, streams, clock }: InboxRoutesOptions,
): Promise<void> {
  const { user, until } = await tokens.user(request.headers.authorization, request.query);
  if (streams.isFull) throw unavailable('too many inboxes are open here: try again later', RETRY_AFTER_MS);
  const lastId = request.headers['last-event-id'] ?? (request.query as { readonly lastEventId?: unknown }).lastEventId;
  const last = typeof lastId === 'string' && /^-?\d{1,15}$/.test(lastId) ? Number(lastId) : null;
  const { raw } = reply;
  const gone = goneSignal(reply);
  const sink = sinkOf(raw);
  const opened = await asked(streams.open(user, last, sink, gone));
  reply.hijack();
  raw.once('close', () => opened.close());
  if (gone.aborted || raw.destroyed) return opened.close();
  const endsInMs = until - clock.now();
  // Longer than a month a timer of the system does not run.
  if (endsInMs < 2 ** 31) {
    await clock.sleep(endsInMs, gone);
    sink.end();
  }
}

/** Headers go out with the first event. */
function sinkOf(raw: FastifyReply['raw']): EventSink {
  const begin = (): void => {
    if (raw.headersSent) return;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Proxies that gather answers hold events up.
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${STREAM_RETRY_MS}\n\n`);
  };
  return {
    write(text) {
      if (raw.destroyed || raw.writableEnded) return;
      begin();
      raw.write(text);
    },
    get waitingBytes() {
      return raw.writableLength;
    },
    end() {
      if (!raw.destroyed && !raw.writableEnded) raw.end();
    },
  };
}

/** Throws Refusal (503) where another try may help. */
async function asked<Result>(answer: Promise<Result>): Promise<Result> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RetryableError) throw unavailable(error.message, RETRY_AFTER_MS);
    throw error;
  }
}
