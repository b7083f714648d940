// Delivers the actions of one channel: the last processor of a connector's topology, whose I/O runs beside its task.
//
// Owns: order, concurrency, retries, and what becomes of an action. Does not own: the exchange with the provider (a
// ChannelSender), the document (outbox.ts), when to try again (backoff.ts), the words for it (outcomes.ts).
//
// Invariants:
//   V1. An action's record counts as read once the action is in the outbox; it leaves the outbox together with its
//       delivery record, so it is delivered at least once, under the same idempotency key each time (I6).
//   V2. Per entity one action at a time, in the order read: the next one starts when the one before it is settled.
//   V3. Every action ends as delivered, skipped or failed, and a failed one is in the dead letters as well.
//   V4. Bounded (I8): `concurrency` sends, `queueMax` entities in line for one before the task reads no more, `maxParked`
//       entities waiting for a next attempt, `maxPerEntity` actions of one entity.
//
// While busy() the runtime reads no more records but must go on calling due(): that is how waiting entities drain.

import { assert } from '../../../lib/assert.ts';
import { utf8Text } from '../../../lib/bytes.ts';
import { RecordError } from '../../../lib/errors.ts';
import type { Rng } from '../../../lib/rng.ts';
import type { Action } from '../../../schemas/action.ts';
import { traceparentOf } from '../../../schemas/trace.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../../state/processor.ts';
import type { DocumentStore } from '../../../state/store/api.ts';
import { attempt as attemptOnce } from './attempt.ts';
import { nextDelayMs, RETRY_SCHEDULE_MS } from './backoff.ts';
import { CHANNEL_KEY, type ChannelState, emptyOutbox, type Outbox, type OutboxEntry, outboxEntry } from './outbox.ts';
import { Outcomes, type Settling } from './outcomes.ts';
import type { ChannelSender, SendResult } from './sender.ts';

export interface DeliverOptions {
  readonly channel: string;
  /** Name of the state store, whose spec is outboxSpec. */
  readonly store: string;
  /** Shared by the tasks of the channel; closed by whoever opened it. */
  readonly sender: ChannelSender;
  /** An action from a record's value. Throws RecordError. */
  readonly decode: (value: Uint8Array) => Action;
  readonly rng: Rng;
  /** Sends under way at a time, all of different entities. */
  readonly concurrency?: number;
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
const MAX_PARKED = 100_000;
/** An entity's actions are one document, written whole on each change. */
const MAX_PER_ENTITY = 1_000;
/** Most sends take less and a restart takes longer, so what was under way at a crash is sent again right after it. */
const LEASE_MS = 1_000;
const CHANNEL_DISABLED = 'channel disabled';

/** Children: `deliveries`, `dead-letter`; `hand-over` where its sender hands something over. */
export class Deliver implements Processor<SourceRecord> {
  readonly #options: Required<DeliverOptions>;
  #context!: ProcessorContext;
  #outbox!: DocumentStore<Outbox>;
  #outcomes!: Outcomes;
  /** Entities whose head is being sent or in line for it, with the wall time since when. */
  readonly #taken = new Map<string, number>();
  /** Those of #taken that are in line, in order. */
  readonly #queue = new Set<string>();
  #sending = 0;
  #stopping = false;
  /** Actions of entries still in memory, so that the usual one is decoded once. */
  readonly #actions = new WeakMap<OutboxEntry, Action>();
  /** The stored state of the channel; undefined until it is first asked for. */
  #channelState: ChannelState | undefined;

  constructor(options: DeliverOptions) {
    this.#options = {
      concurrency: CONCURRENCY,
      queueMax: QUEUE_MAX,
      maxParked: MAX_PARKED,
      maxPerEntity: MAX_PER_ENTITY,
      schedule: RETRY_SCHEDULE_MS,
      ...options,
    };
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#outbox = context.store<Outbox>(this.#options.store);
    this.#outcomes = new Outcomes(context, this.#options.channel);
  }

  process(message: Message<SourceRecord>): void {
    const entry = outboxEntry(message.value);
    const action = this.#actionOf(entry);
    if (action === undefined) return;
    const key = entityOf(entry, action);
    if (this.#channel.disabled !== null) {
      this.#outcomes.skipped({ key, entry, action }, CHANNEL_DISABLED);
      return;
    }
    const doc = this.#outbox.get(key) ?? emptyOutbox();
    const waiting = doc.entries.length;
    if (doc.entries.some((other) => samePlace(other, entry))) {
      this.#outcomes.repeated();
    } else if (waiting >= this.#options.maxPerEntity) {
      this.#outcomes.failed({ key, entry, action }, `${waiting} earlier actions of this entity are undelivered`);
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
    this.#stopping = true;
  }

  busy(): boolean {
    const { concurrency, queueMax, maxParked } = this.#options;
    return this.#taken.size >= concurrency + queueMax || this.#channel.waiting >= maxParked;
  }

  /** Puts the entity's head in line to be sent, or ends the document when there is nothing to send any more. */
  #resume(key: string, doc: Outbox): void {
    if (doc.waiting) {
      doc.waiting = false;
      this.#changeChannel({ waiting: this.#channel.waiting - 1 });
    }
    if (this.#channel.disabled !== null) {
      for (const entry of doc.entries.splice(0)) {
        const action = this.#actionOf(entry);
        if (action !== undefined) this.#outcomes.skipped({ key, entry, action }, CHANNEL_DISABLED);
      }
    }
    if (doc.entries.length === 0) {
      this.#taken.delete(key);
      this.#keep(key, doc);
      return;
    }
    const now = this.#context.wallTime();
    this.#taken.set(key, now);
    this.#queue.add(key);
    doc.dueAt = now + LEASE_MS;
    this.#outbox.put(key, doc);
  }

  /** Starts as many sends of those in line as may run. */
  #pump(): void {
    for (const key of this.#queue) {
      if (this.#stopping || this.#sending >= this.#options.concurrency) return;
      this.#queue.delete(key);
      const { doc, entry } = this.#head(key);
      const action = this.#actionOf(entry);
      if (action !== undefined) {
        this.#send({ key, entry, action });
      } else {
        doc.entries.shift();
        this.#resume(key, doc);
      }
    }
  }

  #send({ key, entry, action }: Settling): void {
    const attempt = entry.attempts + 1;
    const traceparent = traceparentOf(entry.headers.map(({ name, value }) => [name, value]));
    this.#sending++;
    this.#context.run(
      (signal) => attemptOnce(this.#options.sender, { action, attempt, traceparent }, signal),
      (result) => {
        this.#sending--;
        this.#finish(key, action, result);
        this.#pump();
      },
    );
  }

  #finish(key: string, action: Action, result: SendResult): void {
    const { doc, entry } = this.#head(key);
    const what: Settling = { key, entry, action };
    if (result.outcome !== 'skipped') entry.attempts++;
    if (result.outcome === 'retry') {
      const { rng, schedule } = this.#options;
      const delayMs = nextDelayMs(entry.attempts, { retryAfterMs: result.retryAfterMs, rng, schedule });
      if (delayMs !== null) {
        this.#wait(key, doc, delayMs);
        return;
      }
      this.#outcomes.failed(what, `${result.reason}, after ${entry.attempts} attempts`);
    } else if (result.outcome === 'failed') {
      this.#outcomes.failed(what, result.reason, result.code);
      if (result.disable) this.#changeChannel({ disabled: result.reason });
    } else if (result.outcome === 'skipped') {
      this.#outcomes.skipped(what, result.reason);
    } else {
      this.#outcomes.delivered(what, result.providerId);
      if (result.handOver !== undefined) this.#outcomes.handOver(what, result.handOver);
    }
    doc.entries.shift();
    this.#resume(key, doc);
  }

  #wait(key: string, doc: Outbox, delayMs: number): void {
    this.#taken.delete(key);
    doc.waiting = true;
    doc.dueAt = this.#context.wallTime() + delayMs;
    this.#outbox.put(key, doc);
    this.#changeChannel({ waiting: this.#channel.waiting + 1 });
    this.#outcomes.retried();
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

  get #channel(): ChannelState {
    return (this.#channelState ??= this.#outbox.get(CHANNEL_KEY)?.channel ?? { disabled: null, waiting: 0 });
  }

  #changeChannel(change: Partial<ChannelState>): void {
    const state = { ...this.#channel, ...change };
    const doc = this.#outbox.get(CHANNEL_KEY) ?? emptyOutbox();
    doc.channel = state.disabled === null && state.waiting === 0 ? null : state;
    this.#channelState = state;
    this.#keep(CHANNEL_KEY, doc);
  }

  /** Keeps a document in which nothing is in line any more for what else it holds, or deletes it. */
  #keep(key: string, doc: Outbox): void {
    if (doc.entries.length === 0) doc.dueAt = Infinity;
    if (doc.entries.length === 0 && doc.channel === null) this.#outbox.delete(key);
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
