// What is known outside of the tasks and asked right before each attempt: consent, suppressions, states of channels, cancelled
// flows. Each is a topic mirrored whole (topology/engine/global-tables.ts).
//
// Owns: which topics, what of their records is kept, and reading it. Does not own: what follows from it (guard.ts).
//
// Invariants:
//   K1. Consent is what the newest whole record says, and every change, merged field by field
//       (schemas/consent-wish.ts).
//   K2. A record that cannot be read changes nothing.

import { utf8Bytes, utf8Text } from '../../../lib/bytes.ts';
import { parseInstant } from '../../../lib/instant.ts';
import { entityTypeOf } from '../../../processors/intake/known-facts.ts';
import { type Address, addressKey } from '../../../schemas/address.ts';
import { type ChannelState, decodeChannelState, ENABLED } from '../../../schemas/channel-state.ts';
import { both, type SaidAt, saidIn, type Wish, wishAfter } from '../../../schemas/consent-wish.ts';
import type { EntityRef } from '../../../schemas/decision.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import { decodeSuppression, type Suppression } from '../../../schemas/suppression.ts';
import type { TableTopic } from '../../../topology/engine/builder.ts';
import type { GlobalTable, TableEntry, TableSpec } from '../../../topology/engine/global-tables.ts';
import { cancellationsTopic, publicTopics } from '../../../topology/topics.ts';

/** By what it is about. */
type Wishes = Record<string, Wish>;
/** By flow: the newest time at which it was cancelled, ms. */
type Cancelled = Record<string, number>;

/** Categories, channels and flows of one person that are kept; more is nobody's but a broken sender's. */
const FIELDS_MAX = 1_000;

export interface KnownTopics {
  readonly consent: string;
  readonly consentChanges: string;
  readonly suppressions: string;
  readonly channels: string;
  readonly cancellations: string;
}

export function knownTopics(application: string, prefix: string): KnownTopics {
  const { consent, consentChanges, suppressions, channels } = publicTopics(prefix);
  return { consent, consentChanges, suppressions, channels, cancellations: cancellationsTopic(application) };
}

/** As a topology is told of them, to be made. */
export function tableTopics(topics: KnownTopics): readonly TableTopic[] {
  return [
    { topic: topics.consent, compacted: true, isPublic: true },
    // The proof of who said what and when: every one is kept.
    { topic: topics.consentChanges, compacted: false, isPublic: true },
    { topic: topics.suppressions, compacted: true, isPublic: true },
    { topic: topics.channels, compacted: true, isPublic: true },
    { topic: topics.cancellations, compacted: false, isPublic: false },
  ];
}

export function tableSpecs(topics: KnownTopics): readonly TableSpec[] {
  return [
    { topic: topics.consent, keyOf: entityKeyOf, fold: foldConsent },
    { topic: topics.consentChanges, keyOf: entityKeyOf, fold: foldChange },
    { topic: topics.suppressions },
    { topic: topics.channels },
    { topic: topics.cancellations, keyOf: entityKeyOf, fold: foldCancellation },
  ];
}

/** The tables by what they are about. */
export class Known {
  readonly #consent: GlobalTable;
  readonly #changes: GlobalTable;
  readonly #suppressions: GlobalTable;
  readonly #channels: GlobalTable;
  readonly #cancellations: GlobalTable;

  constructor(topics: KnownTopics, table: (topic: string) => GlobalTable) {
    this.#consent = table(topics.consent);
    this.#changes = table(topics.consentChanges);
    this.#suppressions = table(topics.suppressions);
    this.#channels = table(topics.channels);
    this.#cancellations = table(topics.cancellations);
  }

  /** K1. */
  wishesOf(entity: EntityRef): (about: string) => Wish | undefined {
    const key = keyOf(entity);
    const whole = jsonOf<Wishes>(this.#consent.get(key));
    const changes = jsonOf<Wishes>(this.#changes.get(key));
    return (about) => {
      const one = own(whole, about);
      const other = own(changes, about);
      return one === undefined || other === undefined ? (one ?? other) : both(one, other);
    };
  }

  suppression(address: Address): Suppression | undefined {
    const entry = this.#suppressions.get(addressKey(address));
    return entry === undefined ? undefined : decodeSuppression(entry.value);
  }

  channel(name: string): ChannelState {
    const entry = this.#channels.get(name);
    return (entry === undefined ? undefined : decodeChannelState(entry.value)) ?? ENABLED;
  }

  /** When the flow of the entity was last cancelled, ms; undefined: never. */
  cancelledAt(entity: EntityRef, flow: string): number | undefined {
    return own(jsonOf<Cancelled>(this.#cancellations.get(keyOf(entity))), flow);
  }
}

function keyOf({ type, id }: EntityRef): string {
  return `${type}/${id}`;
}

function entityKeyOf(record: LogRecord): string | null {
  return record.key === null || record.key.length === 0 ? null : `${entityTypeOf(record)}/${utf8Text(record.key)}`;
}

function own<Value>(values: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

function jsonOf<Value>(entry: TableEntry | undefined): Value | undefined {
  return entry === undefined ? undefined : (JSON.parse(utf8Text(entry.value)) as Value);
}

/** A whole record takes the place of the one before; one without a value, of which nothing is left, as well. */
function foldConsent(before: TableEntry | undefined, { value, timestamp: at }: LogRecord): Uint8Array | null {
  if (value === null) return null;
  const record = parsed(value);
  if (record === undefined) return before?.value ?? null;
  // It comes from a system of the user's own, which is believed.
  return bytesOf(withSaid({}, record, { at, isConfirmed: true }));
}

function foldChange(before: TableEntry | undefined, { value, timestamp }: LogRecord): Uint8Array | null {
  const record = value === null ? undefined : parsed(value);
  if (record === undefined) return before?.value ?? null;
  const told = { at: timeOf(record, timestamp), isConfirmed: record['requestedAt'] !== undefined };
  return bytesOf(withSaid(jsonOf<Wishes>(before) ?? {}, record, told));
}

function withSaid(known: Wishes, record: JsonObject, told: Omit<SaidAt, 'allowed'>): Wishes {
  const wishes = new Map(Object.entries(known));
  for (const [about, allowed] of saidIn(record)) {
    const before = wishes.get(about);
    if (before !== undefined || wishes.size < FIELDS_MAX) wishes.set(about, wishAfter(before, { allowed, ...told }));
  }
  return Object.fromEntries(wishes);
}

function foldCancellation(before: TableEntry | undefined, { value }: LogRecord): Uint8Array | null {
  const known = jsonOf<Cancelled>(before) ?? {};
  const { flow, at } = (value === null ? undefined : parsed(value)) ?? {};
  if (typeof flow !== 'string' || typeof at !== 'number') return before?.value ?? null;
  const others = Object.entries(known).filter(([name]) => name !== flow);
  const newest = Math.max(at, own(known, flow) ?? -Infinity);
  return bytesOf(Object.fromEntries([[flow, newest], ...others].slice(0, FIELDS_MAX)));
}

/** When a change was made, as it says itself, else when it was written. */
function timeOf({ timestamp }: JsonObject, written: number): number {
  const at = typeof timestamp === 'string' ? parseInstant(timestamp) : Number.NaN;
  return Number.isNaN(at) ? written : at;
}

function parsed(value: Uint8Array): JsonObject | undefined {
  try {
    const json = JSON.parse(utf8Text(value)) as unknown;
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(value: Wishes | Cancelled): Uint8Array {
  return utf8Bytes(JSON.stringify(value));
}
