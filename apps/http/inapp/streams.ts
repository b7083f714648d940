// Who has an inbox open and is told what changes in it, as server-sent events.
//
// Owns: the open streams, following the topic of inboxes while there are any. Does not own: HTTP (routes.ts), what is in an inbox.
//
// An event is a message as it is now, under the revision by which it became so as its id; `unread` with the number follows.
//
// Invariants:
//   S1. A stream that resumes with the last id it saw is told every message that changed since.
//   S2. Bounded: STREAMS_MAX streams, PER_USER_MAX of one person, of which a further one ends the oldest; what a slow reader has not
//       taken, WAITING_BYTES_MAX, after which its stream ends and it comes back with its last id.
//   S3. Nothing is read while nobody listens.

import { utf8Text } from '../../../lib/bytes.ts';
import type { Clock } from '../../../lib/clock.ts';
import { describeError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { InboxView } from '../../../services/inbox/inbox.ts';
import { TopicTail } from '../../../services/topics/read-topic.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import type { ReadInbox } from './inbox-reader.ts';

/** Where events go: an HTTP answer. */
export interface EventSink {
  write(text: string): void;
  /** Bytes that the other side has not taken. */
  readonly waitingBytes: number;
  end(): void;
}

export interface StreamsOptions {
  readonly log: Log;
  readonly topic: string;
  readonly read: ReadInbox;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OpenedStream {
  close(): void;
}

const STREAMS_MAX = 5_000;
const PER_USER_MAX = 5;
const WAITING_BYTES_MAX = 256 * 1024;
/** Proxies end connections on which nothing came for a minute or half of one. */
const HEARTBEAT_MS = 20_000;
const READ_WAIT_MS = 1_000;
const REOPEN_MS = 1_000;
/** How long a command that is in the topic may take until it is in the inbox. */
const APPLY_MS_MAX = 5_000;
const APPLY_AGAIN_MS = 20;
/** The revision of an inbox of which nothing is known. */
const NOTHING_NEW = -1;

interface Stream {
  readonly user: string;
  readonly sink: EventSink;
  /** The last that it was told. */
  revision: number;
}

export class InboxStreams {
  readonly #options: StreamsOptions;
  readonly #byUser = new Map<string, Set<Stream>>();
  /** Revisions that inboxes are to reach before their streams are told. */
  readonly #wanted = new Map<string, number>();
  readonly #closing = new AbortController();
  #following: { readonly ready: Promise<void>; readonly stop: AbortController } | null = null;
  #count = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#count >= STREAMS_MAX;
  }

  /** `lastId`: what it was told last, before; null: it begins. Throws as ReadInbox does, before anything is written. */
  async open(user: string, lastId: number | null, sink: EventSink, signal: AbortSignal): Promise<OpenedStream> {
    const stream: Stream = { user, sink, revision: Infinity };
    this.#add(stream);
    try {
      // First followed, then read: what comes between the two is told.
      await this.#follow();
      const view = await this.#options.read(user, signal);
      stream.revision = lastId ?? view.revision;
      sink.write(': open\n\n');
      this.#tell(stream, view);
    } catch (error) {
      this.#remove(stream);
      throw error;
    }
    return { close: () => this.#remove(stream) };
  }

  close(): void {
    this.#closing.abort();
    this.#following?.stop.abort();
    for (const streams of this.#byUser.values()) for (const { sink } of streams) sink.end();
  }

  #add(stream: Stream): void {
    const streams = this.#byUser.get(stream.user) ?? new Set();
    for (const oldest of streams) {
      if (streams.size < PER_USER_MAX) break;
      this.#remove(oldest);
      oldest.sink.end();
    }
    streams.add(stream);
    this.#byUser.set(stream.user, streams);
    this.#count++;
  }

  #remove(stream: Stream): void {
    const streams = this.#byUser.get(stream.user);
    if (streams?.delete(stream) !== true) return;
    this.#count--;
    if (streams.size === 0) this.#byUser.delete(stream.user);
    // S3
    if (this.#count > 0) return;
    this.#following?.stop.abort();
    this.#following = null;
  }

  async #follow(): Promise<void> {
    if (this.#following === null) {
      const stop = new AbortController();
      const ready = Promise.withResolvers<void>();
      this.#following = { ready: ready.promise, stop };
      void this.#run(stop.signal, ready.resolve);
      void this.#beat(stop.signal);
    }
    await this.#following.ready;
  }

  async #run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { log, topic, clock, logger } = this.#options;
    while (!signal.aborted) {
      let tail: TopicTail | null = null;
      try {
        tail = await TopicTail.open(log, [topic], 'end');
        onReady();
        // What came while nobody read: all who listen are told what they lack.
        for (const user of this.#byUser.keys()) this.#want(user, NOTHING_NEW);
        while (!signal.aborted) {
          for (const { record } of await tail.next(READ_WAIT_MS, signal)) {
            const user = record.key === null ? '' : utf8Text(record.key);
            if (this.#byUser.has(user)) this.#want(user, record.offset);
          }
        }
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ error: describeError(error) }, 'open inboxes are not told what changes: trying again');
        onReady();
        await clock.sleep(REOPEN_MS, signal);
      } finally {
        await tail?.close().catch(() => {});
      }
    }
  }

  #want(user: string, revision: number): void {
    const isUnderWay = this.#wanted.has(user);
    this.#wanted.set(user, Math.max(revision, this.#wanted.get(user) ?? NOTHING_NEW));
    if (!isUnderWay) void this.#refresh(user);
  }

  /** Until the inbox is as far as the topic was read, for APPLY_MS_MAX. */
  async #refresh(user: string): Promise<void> {
    const { clock, read, logger } = this.#options;
    const { signal } = this.#closing;
    const until = clock.now() + APPLY_MS_MAX;
    for (;;) {
      try {
        const view = await read(user, signal);
        for (const stream of [...(this.#byUser.get(user) ?? [])]) this.#tell(stream, view);
        if (view.revision >= (this.#wanted.get(user) ?? NOTHING_NEW)) break;
      } catch (error) {
        if (signal.aborted || clock.now() >= until) {
          logger.warn({ error: describeError(error) }, 'an open inbox could not be read');
          break;
        }
      }
      if (signal.aborted || clock.now() >= until || !this.#byUser.has(user)) break;
      await clock.sleep(APPLY_AGAIN_MS, signal);
    }
    this.#wanted.delete(user);
  }

  #tell(stream: Stream, { revision, entries, unread }: InboxView): void {
    if (revision <= stream.revision) return;
    const changed = entries.filter((entry) => entry.revision > stream.revision).sort((a, b) => a.revision - b.revision);
    stream.revision = revision;
    for (const entry of changed) stream.sink.write(`id: ${entry.revision}\ndata: ${JSON.stringify(entry.message)}\n\n`);
    stream.sink.write(`id: ${revision}\nevent: unread\ndata: ${unread}\n\n`);
    this.#endIfSlow(stream);
  }

  async #beat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(HEARTBEAT_MS, signal);
      if (signal.aborted) return;
      for (const streams of this.#byUser.values()) {
        for (const stream of [...streams]) {
          stream.sink.write(': still here\n\n');
          this.#endIfSlow(stream);
        }
      }
    }
  }

  /** S2 */
  #endIfSlow(stream: Stream): void {
    if (stream.sink.waitingBytes <= WAITING_BYTES_MAX) return;
    this.#remove(stream);
    stream.sink.end();
  }
}
