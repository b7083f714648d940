// What a connector still owes one entity: its actions in order, and when the first of them wants attention.
//
// Owns: the document, its bytes, its due time. Does not own: when it changes (deliver.ts).
//
// Invariants:
//   O1. dueAt is part of the stored document and says the same before and after a restart (docs/design.md, I5). That an
//       attempt is under way is known to the process alone; in the document it shows as a lease, a due time a little
//       ahead, which the process renews. After a crash nobody does, the lease ends, and the action is sent again.
//   O2. A document without entries is deleted, so that what is accepted and settled between two commits costs nothing.

import { assert } from '../../../lib/assert.ts';
import { bufferOrNull } from '../../../lib/bytes.ts';
import { stateCodec } from '../../../schemas/codec.ts';
import type { DeadLetterHeader, ReadRecord } from '../../../schemas/dead-letter.ts';
import type { SourceRecord } from '../../../state/processor.ts';
import type { DocumentSpec } from '../../../state/store/api.ts';

/** An action as it was read, with the attempts whose outcome is known. */
export interface OutboxEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly DeadLetterHeader[];
  attempts: number;
  /** Wall time at which it was taken in, ms. */
  readonly since: number;
}

/** What a task knows of its channel, kept in the document under CHANNEL_KEY. */
export interface ChannelCounts {
  /** How many outbox documents wait for a next attempt. */
  waiting: number;
}

/** Soft bounces of the entity's address in a row, without a delivery between. */
export interface SoftBounces {
  /** As addressId() names it. */
  readonly address: string;
  readonly count: number;
  /** Wall time after which they are forgotten, ms. */
  readonly until: number;
}

export interface Outbox {
  /** In order of arrival; the head is being sent, or is next. */
  entries: OutboxEntry[];
  /** Wall time in ms at which the head wants attention: its next attempt, or the end of its lease (O1). */
  dueAt: number;
  /** Whether the head waits to be tried, rather than being in line. */
  waiting: boolean;
  channel: ChannelCounts | null;
  softs: SoftBounces | null;
}

/**
 * Reserved key. An entity of this id would share the document, which holds both parts, and lose nothing by it.
 */
export const CHANNEL_KEY = '(channel)';

/** The store of a channel's connector, which also names its task and its changelog. */
export function outboxStore(channel: string): string {
  return `outbox-${channel}`;
}

export function emptyOutbox(): Outbox {
  return { entries: [], dueAt: Infinity, waiting: false, channel: null, softs: null };
}

type StoredOutbox = Omit<Outbox, 'dueAt'> & { dueAt: number | null };

const codec = stateCodec<StoredOutbox>('state/outbox');

export const outboxSpec: DocumentSpec<Outbox> = {
  encode(doc, out) {
    const isKept = doc.entries.length > 0 || doc.channel !== null || doc.softs !== null;
    assert(isKept, 'a document that holds nothing is deleted (O2)');
    assert(doc.entries.length === 0 || doc.dueAt !== Infinity, 'an entity with actions is due at some time (O1)');
    codec.write({ ...doc, dueAt: doc.dueAt === Infinity ? null : doc.dueAt }, out);
  },
  decode(input) {
    const stored = codec.read(input);
    return { ...stored, dueAt: stored.dueAt ?? Infinity };
  },
  dueAt: (doc) => doc.dueAt,
  dueBy: 'wall-time',
};

/** `since`: wall time, ms. */
export function outboxEntry({ topic, partition, record }: SourceRecord, since: number): OutboxEntry {
  return {
    topic,
    partition,
    offset: record.offset,
    key: bufferOrNull(record.key),
    value: bufferOrNull(record.value),
    headers: record.headers.map(([name, value]) => ({ name, value: bufferOrNull(value) })),
    attempts: 0,
    since,
  };
}

/** The record as it was read, for a dead letter. */
export function readRecordOf(entry: OutboxEntry): ReadRecord {
  const { topic, partition, offset, key, value } = entry;
  return {
    topic,
    partition,
    record: { offset, key, value, headers: entry.headers.map((header) => [header.name, header.value] as const) },
  };
}
