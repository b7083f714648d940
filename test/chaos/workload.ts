// What the workers of a chaos run work on: rules with windows of seconds, events around now, and what must come of them.
//
// Owns: the same events for the same seed, and the oracle's answer to what was written of them. Does not own: writing them (producer.ts).
//
// Invariants:
//   E1. What is decided does not depend on the order in which partitions are read: every rule is in the event-time lane,
//       and no two events of one user are stamped the same.
//   E2. An event that is in the log at most OUT_OF_ORDERNESS_MS after its time is never late, whatever the workers do.
//   E3. An event may be in the log again, with another time: the first of a messageId counts, the others are duplicates.

import { parseAllDocuments } from 'yaml';
import { partitionOf } from '../../lib/murmur2.ts';
import { seededRng } from '../../lib/rng.ts';
import { decide, type OracleDecision, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';

/** Room for a producer that is held up while a broker's partitions find a new leader. */
export const OUT_OF_ORDERNESS_MS = 10_000;
export const RULES = `
{ id: left, when: { absence: { after: { event: add, as: cart }, of: { event: buy, where: event.properties.cart == cart.properties.cart }, within: 3s, by: event.properties.cart } }, then: [{ send: { channel: webhook } }] }
---
{ id: quiet, when: { inactive: { for: 6s } }, cooldown: 8s, then: [{ send: { channel: webhook } }] }
---
{ id: keen, order: event-time, when: { count: { event: view, atLeast: 3, within: 4s } }, limit: [{ max: 2, per: 10s }], then: [{ send: { channel: webhook } }] }
---
{ id: bought, order: event-time, when: { event: buy }, if: event.properties.value >= 2.0, then: [{ send: { channel: webhook } }] }
`;

/** One source keyed by the user, one that goes through the repartition topic. */
export const SOURCES = { keyed: 'events.shop', unkeyed: 'events.web' } as const;

/** An event with where and when it is written, in ms after the start; its time is given to it then. */
export interface PlannedEvent {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly writeAt: number;
  /** So much before it is written it happened. */
  readonly ageMs: number;
  readonly event: Omit<OracleEvent, 'time'>;
}

export interface WorkloadOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly partitions: number;
  readonly eventsPerSecond: number;
  /** Whether half of the users' events go through the repartition topic. */
  readonly repartitions: boolean;
}

/** Users come and go: the oracle looks at all events of a user at once, so none may have too many. */
const GENERATION_MS = 20_000;
const USERS_OF_GENERATION = 40;
/** The more, the more alike the users are: some are busy, some say little enough to be called inactive. */
const EVENNESS = 6;
const DISORDER_MS = 1_000;
const DUPLICATES = 0.03;
const DUPLICATE_DELAY_MS = 2_000;

/** What must be decided, by user. `inputs`: the events of each input partition in the order of its log. */
export function expectedOf(
  inputs: readonly (readonly OracleEvent[])[],
): ReadonlyMap<string, readonly OracleDecision[]> {
  const rules = parseAllDocuments(RULES).map((document): OracleRule => document.toJS());
  const limits = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
  const endOfTime = Number.MAX_SAFE_INTEGER;
  const first = new Map<string, OracleEvent>();
  for (const event of inputs.flat()) if (!first.has(event.messageId)) first.set(event.messageId, event);
  const byUser = Map.groupBy(first.values(), ({ userId }) => userId);
  return new Map(
    [...byUser].map(([user, ofUser]) => {
      const events = ofUser.sort((a, b) => a.time - b.time);
      return [user, decide({ rules, events, endOfTime, ...limits }).decisions];
    }),
  );
}

/** In order of writing. */
export function planEvents(options: WorkloadOptions): PlannedEvent[] {
  const { seed, durationMs, partitions, eventsPerSecond, repartitions } = options;
  const rng = seededRng(seed);
  const below = (bound: number): number => Math.floor(rng.next() * bound);
  const weights = Array.from({ length: USERS_OF_GENERATION }, (_, rank) => 1 / (rank + EVENNESS));
  const planned: PlannedEvent[] = [];
  const count = Math.round((durationMs / 1_000) * eventsPerSecond);
  for (let i = 0; i < count; i++) {
    const writeAt = Math.round((i * durationMs) / count);
    const generation = Math.floor(writeAt / GENERATION_MS);
    const rank = drawn(weights, rng.next());
    const userId = `u${generation}-${rank}`;
    const ageMs = below(DISORDER_MS);
    const event = {
      messageId: `m${i}`,
      userId,
      event: ['add', 'buy', 'view', 'view'][below(4)]!,
      properties: { cart: `c${below(3)}`, value: below(5) },
    };
    const isKeyed = !repartitions || rank % 2 === 0;
    const where = isKeyed
      ? { topic: SOURCES.keyed, partition: partitionOf(Buffer.from(userId), partitions), key: userId }
      : { topic: SOURCES.unkeyed, partition: below(partitions), key: null };
    planned.push({ ...where, writeAt, ageMs, event });
    if (rng.next() < DUPLICATES) planned.push({ ...where, writeAt: writeAt + below(DUPLICATE_DELAY_MS), ageMs, event });
  }
  return planned.sort((a, b) => a.writeAt - b.writeAt);
}

/** The place on which a number from 0 to 1 falls. */
function drawn(weights: readonly number[], number: number): number {
  let left = number * weights.reduce((sum, weight) => sum + weight, 0);
  const place = weights.findIndex((weight) => (left -= weight) < 0);
  return place === -1 ? weights.length - 1 : place;
}
