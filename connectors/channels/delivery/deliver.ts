// Delivers the actions of one channel: the last processor of a connector's topology, whose I/O runs beside its task.
//
// Owns: order, concurrency, retries, and what becomes of an action. Does not own: an attempt (attempt.ts) and the exchange with the
// provider (a ChannelSender), the document (outbox.ts), when to try again (backoff.ts), whether the provider is asked at all
// (breaker.ts), how fast (rate.ts), the words for it (outcomes.ts).
//
// Invariants:
//   V1. An action's record counts as read once the action is in the outbox; it leaves the outbox together with its
//       delivery record, so it is delivered at least once, under the same idempotency key each time (I6).
//   V2. Per entity one action at a time, in the order read: the next one starts when the one before it is settled.
//   V3. Every action ends as delivered, skipped or failed, and a failed one is in the dead letters as well.
//   V4. Bounded (I8): `concurrency` sends, `queueMax` entities in line for one before the task reads no more, `maxParked`
//       entities waiting for a next attempt, `maxPerEntity` actions of one entity.
//   V5. While the breaker is open nothing is tried but its probes. Once it closes, what waited in this life of the process goes
//       before what is read, as fast as the rate allows; what a provider asked to wait for (Retry-After) keeps its time.
//   V6. While a further channel remains, nobody waits longer than `fallbackAfterMs`: a last attempt is made then, and none while
//       the breaker has been open for so long.
//
// While busy() the runtime reads no more records but must go on calling due(): that is how waiting entities drain.

import { assert } from '../../../lib/assert.ts';
import { utf8Text } from '../../../lib/bytes.ts';
import { errorName, RecordError } from '../../../lib/errors.ts';
import type { Rng } from '../../../lib/rng.ts';
import type { Action } from '../../../schemas/action.ts';
import { traceparentOf } from '../../../schemas/trace.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../../state/processor.ts';
import type { DocumentStore } from '../../../state/store/api.ts';
import { type Attempted, attempt as attemptOnce } from './attempt.ts';
import { nextDelayMs, RETRY_SCHEDULE_MS } from './backoff.ts';
import type { BreakerNews, Ticket } from './breaker.ts';
import type { DeliveryDesk } from './desk.ts';
import { CHANNEL_KEY, type ChannelCounts, emptyOutbox, type Outbox, type OutboxEntry, outboxEntry } from './outbox.ts';
import { Outcomes, type Settling } from './outcomes.ts';
import { Pacing } from './pacing.ts';
import type { ChannelSender, Failed, SendResult } from './sender.ts';
import { suppressionAfter } from './suppressing.ts';

export interface DeliverOptions {
  readonly channel: string;
  /** Name of the state store, whose spec is outboxSpec. */
  readonly store: string;
  /** Shared by the tasks of the channel; closed by whoever opened it. */
  readonly sender: ChannelSender;
  /** What the tasks of the channel share in this thread. */
  readonly desk: DeliveryDesk;
  /** An action from a record's value. Throws RecordError. */
  readonly decode: (value: Uint8Array) => Action;
  readonly rng: Rng;
  /** Sends under way at a time, all of different entities. */
  readonly concurrency?: number;
  /** Whether what its sender hands over goes anywhere. */
  readonly handsOver?: boolean;
  readonly queueMax?: number;
  readonly maxParked?: number;
  readonly maxPerEntity?: number;
  /** Delays before the second and later attempts, ms. */
  readonly schedule?: readonly number[];
}

/** With a provider 100 ms away this gives 320 messages a second and a task, and does not look like an attack. */
export const CONCURRENCY = 32;
/** Enough to keep the senders going between two reads. */
const QUEUE_MAX = 256;
/** Entities that wait during an outage of the provider: as rows on disk; beyond it the task reads no more and its lag shows (V4). */
const MAX_PARKED = 100_000;
/** An entity's actions are one document, written whole on each change. */
const MAX_PER_ENTITY = 1_000;
/** Most sends take less and a restart takes longer, so what was under way at a crash is sent again right after it. */
const LEASE_MS = 1_000;
/** So long what waits for the breaker is left alone: when that closes it is told. */
const HELD_MS = 3_600_000;

/** Children: those of outcomes.ts. */
export class Deliver implements Processor<SourceRecord> {
  readonly #options: Required<DeliverOptions>;
  #context!: ProcessorContext;
  #outbox!: DocumentStore<Outbox>;
  #outcomes!: Outcomes;
  readonly #pacing: Pacing;
  /** Entities whose head is being sent or in line for it, with the wall time since when. */
  readonly #taken = new Map<string, number>();
  /** Those of #taken that are in line, in order. */
  readonly #queue = new Set<string>();
  /** Entities whose head could be tried, were the breaker not open. */
  readonly #held = new Set<string>();
  /** Entities whose head waits for its own next attempt, as the schedule has it. */
  readonly #resting = new Set<string>();
  /** Entities whose head waits because the provider asked for it (Retry-After). */
  readonly #asked = new Set<string>();
  /** Entities whose head has been given its turn by the pace of its rule. */
  readonly #paced = new Set<string>();
  #sending = 0;
  #isReleasing = false;
  /** Whether the channel's rate lets nothing go for now. */
  #isThrottled = false;
  readonly #stopping = new AbortController();
  /** Actions of entries still in memory, so that the usual one is decoded once. */
  readonly #actions = new WeakMap<OutboxEntry, Action>();
  /** Settled since the last commit began, and in the commit that is under way: their notes go once that is done. */
  #settled: string[] = [];
  #committing: string[] = [];
  /** The stored counts of the channel; undefined until they are first asked for. */
  #counts: ChannelCounts | undefined;
  #unlisten: () => void = () => {};

  constructor(options: DeliverOptions) {
    this.#options = {
      concurrency: CONCURRENCY,
      handsOver: false,
      queueMax: QUEUE_MAX,
      maxParked: MAX_PARKED,
      maxPerEntity: MAX_PER_ENTITY,
      schedule: RETRY_SCHEDULE_MS,
      ...options,
    };
    this.#pacing = new Pacing(options.desk);
  }

  init(context: ProcessorContext): void {
    const { desk, store, channel } = this.#options;
    this.#context = context;
    this.#outbox = context.store<Outbox>(store);
    this.#outcomes = new Outcomes(context, { channel, ...desk });
    // Told outside of the task's turn: what follows is done within it.
    this.#unlisten = desk.breaker.listen((news) => {
      if (!this.#stopping.signal.aborted)
        context.run(
          () => Promise.resolve(news),
          (told) => this.#hear(told),
          () => news,
        );
    });
  }

  process(message: Message<SourceRecord>): void {
    const entry = outboxEntry(message.value, this.#context.wallTime());
    const action = this.#actionOf(entry);
    if (action === undefined) return;
    const key = entityOf(entry, action);
    const doc = this.#outbox.get(key) ?? emptyOutbox();
    const waiting = doc.entries.length;
    if (doc.entries.some((other) => samePlace(other, entry))) {
      this.#outcomes.repeated();
    } else if (waiting >= this.#options.maxPerEntity) {
      const reason = `${waiting} earlier actions of this entity are undelivered`;
      this.#outcomes.failed({ key, entry, action, message: null }, reason);
    } else {
      doc.entries.push(entry);
      if (this.#taken.has(key) || doc.waiting) this.#outbox.put(key, doc);
      else this.#resume(key, doc);
    }
    this.#pump();
  }

  due(key: string, at: number): void {
    const doc = this.#outbox.get(key);
    if (doc === undefined) return;
    const since = this.#taken.get(key);
    if (since === undefined) {
      this.#resume(key, doc);
      this.#pump();
    } else {
      // As long again as it has taken so far: a slow send costs a handful of renewals, not one a second.
      const now = Math.max(at, this.#context.wallTime());
      doc.dueAt = now + Math.max(LEASE_MS, now - since);
      this.#outbox.put(key, doc);
    }
  }

  /** What is in line stays in the outbox for the next start. */
  stop(): void {
    this.#stopping.abort();
  }

  close(): void {
    this.#stopping.abort();
    this.#unlisten();
  }

  busy(): boolean {
    const { concurrency, queueMax, maxParked } = this.#options;
    if (this.#isReleasing && this.#held.size + this.#resting.size > 0) return true;
    return this.#taken.size >= concurrency + queueMax || this.#channel.waiting >= maxParked;
  }

  beforeCommit(): void {
    // The commit before this one has ended: one begins after the other.
    this.#options.desk.attempts.forget(this.#committing);
    this.#committing = this.#settled;
    this.#settled = [];
  }

  /** Puts the entity's head in line to be sent, or ends the document when there is nothing to send any more. */
  #resume(key: string, doc: Outbox): void {
    for (const waiting of [this.#held, this.#resting, this.#asked]) waiting.delete(key);
    if (doc.waiting) {
      doc.waiting = false;
      this.#changeChannel({ waiting: this.#channel.waiting - 1 });
    }
    const now = this.#context.wallTime();
    if (doc.entries.length === 0) {
      this.#taken.delete(key);
      if (doc.softs !== null && doc.softs.until <= now) doc.softs = null;
      this.#keep(key, doc);
      return;
    }
    this.#taken.set(key, now);
    this.#queue.add(key);
    doc.dueAt = now + LEASE_MS;
    this.#outbox.put(key, doc);
  }

  /** Starts as many sends of those in line as may run. */
  #pump(): void {
    const { concurrency, queueMax } = this.#options;
    for (;;) {
      if (this.#isReleasing && this.#taken.size < concurrency + queueMax) this.#release();
      const [key] = this.#queue;
      if (key === undefined || this.#stopping.signal.aborted) return;
      if (this.#sending >= concurrency || this.#isThrottled) return;
      const { doc, entry } = this.#head(key);
      const action = this.#actionOf(entry);
      if (action !== undefined) {
        if (!this.#start({ key, entry, action, message: null }, doc)) return;
      } else {
        this.#queue.delete(key);
        doc.entries.shift();
        this.#resume(key, doc);
      }
    }
  }

  /** Sends the head, or puts it aside. False: nothing may be sent for now. */
  #start(what: Settling, doc: Outbox): boolean {
    const { key, action } = what;
    const { breaker, guard } = this.#options.desk;
    // What must not go costs the provider nothing, so it waits for nothing.
    let ticket: Ticket | null = 'usual';
    if (guard.refusal(action, null) === null) {
      ticket = breaker.take();
      if (ticket === null) {
        this.#queue.delete(key);
        this.#hold(what, doc);
        return true;
      }
      const now = this.#options.desk.clock.now();
      if (!this.#paced.has(key)) {
        const paceMs = this.#pacing.paceMs(action, now);
        if (action.ratePerSecond !== null) this.#paced.add(key);
        if (paceMs > 0) {
          breaker.giveBack(ticket);
          this.#queue.delete(key);
          this.#park(key, doc, this.#context.wallTime() + paceMs);
          return true;
        }
      }
      const waitMs = this.#pacing.waitMs(now);
      if (waitMs > 0) {
        breaker.giveBack(ticket);
        this.#throttle(waitMs);
        return false;
      }
    }
    this.#paced.delete(key);
    this.#queue.delete(key);
    this.#send(what, ticket);
    return true;
  }

  #send({ key, entry, action }: Settling, ticket: Ticket): void {
    assert(this.#sending < this.#options.concurrency, 'no more sends are under way than may be (V4)');
    assert(
      this.#taken.has(key) && !this.#queue.has(key),
      'an entity that is sent to is taken, and in line no more (V2)',
    );
    const { desk, sender } = this.#options;
    // A crash may have cut attempts short of which the outbox knows nothing.
    entry.attempts = Math.max(entry.attempts, desk.attempts.begun(action.id));
    const attempt = entry.attempts + 1;
    const traceparent = traceparentOf(entry.headers.map(({ name, value }) => [name, value]));
    this.#sending++;
    this.#context.run(
      (signal) => attemptOnce({ sender, ...desk }, { action, attempt, traceparent }, signal),
      (attempted) => {
        this.#sending--;
        desk.breaker.report(ticket, attempted.result);
        this.#finish(key, action, attempted);
        this.#pump();
      },
      // Senders are supervised (supervised.ts): only what measures them is left to fail.
      (error): Attempted => ({
        result: { outcome: 'failed', reason: `the attempt failed by a bug: ${errorName(error)}` },
        message: null,
      }),
    );
  }

  #finish(key: string, action: Action, { result, message }: Attempted): void {
    const { doc, entry } = this.#head(key);
    assert(this.#actionOf(entry)?.id === action.id, 'what was sent is still the first of its entity (V2)');
    const what: Settling = { key, entry, action, message };
    if (result.outcome !== 'skipped') entry.attempts++;
    if (result.outcome === 'retry') {
      if (this.#retry(what, doc, result)) return;
      this.#outcomes.failed(what, `${result.reason}, after ${entry.attempts} attempts`);
      this.#judge(what, doc, result.suppress);
    } else if (result.outcome === 'failed') {
      this.#outcomes.failed(what, result.reason, result.code);
      if (result.disable) this.#disable(action, result.reason);
      this.#judge(what, doc, result.suppress);
    } else if (result.outcome === 'skipped') {
      this.#outcomes.skipped(what, result.reason);
    } else {
      this.#outcomes.delivered(what, result.providerId);
      doc.softs = null;
      const { handsOver } = this.#options;
      if (handsOver && result.handOver !== undefined) this.#outcomes.handOver(what, result.handOver);
    }
    if ('devices' in result && result.devices !== undefined) this.#outcomes.devices(what, result.devices);
    this.#settle(what, doc);
  }

  /** What a failure says about the address. */
  #judge(what: Settling, doc: Outbox, suppress: Failed['suppress']): void {
    const { channel, desk } = this.#options;
    const told = { now: this.#context.wallTime(), source: channel, known: desk.suppression };
    const { suppression, softs } = suppressionAfter(what, suppress, doc.softs, told);
    doc.softs = softs;
    if (suppression !== null) this.#outcomes.suppressed(suppression);
  }

  #settle({ key, action }: Settling, doc: Outbox): void {
    doc.entries.shift();
    this.#settled.push(action.id);
    this.#resume(key, doc);
  }

  /** False: there is no further attempt. */
  #retry({ key, entry, action }: Settling, doc: Outbox, result: SendResult & { outcome: 'retry' }): boolean {
    const { rng, schedule } = this.#options;
    const { retryAfterMs } = result;
    const now = this.#context.wallTime();
    const delayMs = nextDelayMs(entry.attempts, { retryAfterMs, rng, schedule });
    const limit = this.#fallbackAt(entry, action);
    if (delayMs === null || now >= limit) return false;
    // Not after the last moment that is of use; what is no longer valid then is told so by the guard.
    this.#park(key, doc, Math.min(now + delayMs, limit, (action.validUntil ?? Infinity) + 1));
    (retryAfterMs === undefined ? this.#resting : this.#asked).add(key);
    this.#outcomes.retried();
    return true;
  }

  /** V5, V6. */
  #hold(what: Settling, doc: Outbox): void {
    const { key, entry, action } = what;
    // It opened again while those that waited were let go.
    this.#isReleasing = false;
    const now = this.#context.wallTime();
    const { openedAt } = this.#options.desk.breaker;
    const limit = this.#fallbackAt(entry, action);
    const isLongDown = openedAt !== null && now >= openedAt + this.#options.desk.fallbackAfterMs;
    if (action.validUntil !== null && now > action.validUntil) {
      this.#outcomes.skipped(what, 'expired');
      this.#settle(what, doc);
    } else if (limit !== Infinity && (now >= limit || isLongDown)) {
      this.#outcomes.failed(what, 'the provider does not answer, and another channel remains');
      this.#settle(what, doc);
    } else {
      this.#park(key, doc, Math.min(now + HELD_MS, limit, (action.validUntil ?? Infinity) + 1));
      this.#held.add(key);
    }
  }

  /** When the next channel of its route is better than waiting; Infinity: there is none. */
  #fallbackAt({ since }: OutboxEntry, { fallback }: Action): number {
    return fallback.length === 0 ? Infinity : since + this.#options.desk.fallbackAfterMs;
  }

  #park(key: string, doc: Outbox, dueAt: number): void {
    this.#taken.delete(key);
    doc.waiting = true;
    doc.dueAt = dueAt;
    this.#outbox.put(key, doc);
    this.#changeChannel({ waiting: this.#channel.waiting + 1 });
  }

  #hear(news: BreakerNews): void {
    if (news === 'retry') {
      for (const key of this.#asked) this.#resting.add(key);
      this.#asked.clear();
    }
    if (news !== 'probe') {
      this.#isReleasing = true;
    } else {
      const [key] = this.#held;
      if (key !== undefined) this.#takeUp(key);
    }
    this.#pump();
  }

  /** Puts those that waited in line, as many as fit (V4). */
  #release(): void {
    const { concurrency, queueMax } = this.#options;
    for (const waiting of [this.#held, this.#resting]) {
      for (const key of waiting) {
        if (this.#taken.size >= concurrency + queueMax) return;
        this.#takeUp(key);
      }
    }
    this.#isReleasing = false;
  }

  #takeUp(key: string): void {
    const doc = this.#outbox.get(key);
    if (doc !== undefined) this.#resume(key, doc);
    else for (const waiting of [this.#held, this.#resting]) waiting.delete(key);
  }

  #throttle(waitMs: number): void {
    this.#isThrottled = true;
    const { clock } = this.#options.desk;
    this.#context.run(
      (signal) => clock.sleep(waitMs, AbortSignal.any([signal, this.#stopping.signal])),
      () => {
        this.#isThrottled = false;
        this.#pump();
      },
      // A sleep that is cut short has ended.
      () => undefined,
    );
  }

  #disable(action: Action, reason: string): void {
    this.#options.desk.guard.disable(this.#context.wallTime());
    this.#outcomes.channelDisabled(action, reason);
  }

  #head(key: string): { doc: Outbox; entry: OutboxEntry } {
    const doc = this.#outbox.get(key);
    const entry = doc?.entries[0];
    assert(doc !== undefined && entry !== undefined, 'a taken entity has an action in its outbox');
    return { doc, entry };
  }

  /** The entry's action; undefined when its bytes are none, which makes it a dead letter. */
  #actionOf(entry: OutboxEntry): Action | undefined {
    const known = this.#actions.get(entry);
    if (known !== undefined) return known;
    try {
      const action = this.#options.decode(entry.value ?? new Uint8Array(0));
      this.#actions.set(entry, action);
      return action;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#outcomes.unusable(entry, error.message, error.code);
      return undefined;
    }
  }

  get #channel(): ChannelCounts {
    return (this.#counts ??= this.#outbox.get(CHANNEL_KEY)?.channel ?? { waiting: 0 });
  }

  #changeChannel(state: ChannelCounts): void {
    assert(state.waiting >= 0, 'an entity that waits is counted once (V4)');
    const doc = this.#outbox.get(CHANNEL_KEY) ?? emptyOutbox();
    doc.channel = state.waiting === 0 ? null : state;
    this.#counts = state;
    this.#keep(CHANNEL_KEY, doc);
  }

  /** Keeps a document in which nothing is in line any more for what else it holds, or deletes it. */
  #keep(key: string, doc: Outbox): void {
    if (doc.entries.length === 0) doc.dueAt = doc.softs?.until ?? Infinity;
    if (doc.entries.length === 0 && doc.channel === null && doc.softs === null) this.#outbox.delete(key);
    else this.#outbox.put(key, doc);
  }
}

/** The entity whose order counts: the record's key, by which actions of one entity come to one task. */
function entityOf(entry: OutboxEntry, action: Action): string {
  return entry.key === null ? action.entity.id : utf8Text(entry.key);
}

function samePlace(a: OutboxEntry, b: OutboxEntry): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.topic === b.topic;
}
