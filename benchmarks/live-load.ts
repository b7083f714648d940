// Events that are sent when they are due, whatever becomes of them (open loop), and the actions that come of them.
//
// Invariants:
//   V1. An event carries the time at which it was due, and each latency is counted from then: when a sender or a worker
//       stands still, all that was due meanwhile counts as late.

import { Producer, stringSerializers } from '@platformatic/kafka';
import { systemClock } from '../lib/clock.ts';
import { partitionOf } from '../lib/murmur2.ts';
import { actionCodec } from '../schemas/framed.ts';
import type { Log, LogReader } from '../topology/ports.ts';

/** Fires for every event of that name, at once; the action carries the event's time. */
export const LIVE_RULE = 'id: bought\nwhen: { event: purchase }\nthen: [{ send: { channel: webhook } }]\n';
const ACTIONS = 'actions.webhook';

export interface LiveLoadOptions {
  readonly log: Log;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly eventsPerSecond: number;
  readonly users: number;
  /** One event in so many is one that fires. */
  readonly firesEach: number;
}

/** An action that was read. */
export interface Seen {
  readonly partition: number;
  /** When the event was due, and when its action was read, ms. */
  readonly due: number;
  readonly read: number;
}

/** Small, so that nothing waits for others long. */
const STEP_MS = 5;
const READ_BYTES = 4 * 1024 * 1024;
/** So long after the last event its action must have come. */
const LAST_MS = 30_000;
const PADDING = 'x'.repeat(200);

/** Sends until `signal` aborts, and reads the actions; returns them in the order read. Throws when some do not come. */
export async function liveLoad(options: LiveLoadOptions, signal: AbortSignal): Promise<readonly Seen[]> {
  const reading = new AbortController();
  const seen: Seen[] = [];
  // Opened before the first event is sent, or its action may be written before reading begins.
  const reader = await openReader(options);
  const read = readActions(reader, seen, reading.signal);
  let fired: readonly number[] = [];
  try {
    fired = await send(options, signal);
    const until = systemClock.now() + LAST_MS;
    while (seen.length < fired.length && systemClock.now() < until) await systemClock.sleep(STEP_MS);
  } finally {
    reading.abort();
    await read;
  }
  if (seen.length !== fired.length) throw new Error(differenceOf(fired, seen));
  return seen;
}

function differenceOf(fired: readonly number[], seen: readonly Seen[]): string {
  const came = new Set(seen.map(({ due }) => due));
  const missing = fired.flatMap((due, place) => (came.has(due) ? [] : [`${place} (due ${due})`]));
  return `${fired.length} events fired, and ${seen.length} actions came; missing: ${missing.slice(0, 10).join(', ')}`;
}

/** Returns when those of the events that fire were due. */
async function send(options: LiveLoadOptions, signal: AbortSignal): Promise<readonly number[]> {
  const { brokers, topic, partitions, eventsPerSecond, users, firesEach } = options;
  const producer = new Producer({
    clientId: 'bench-live',
    bootstrapBrokers: [...brokers],
    serializers: stringSerializers,
    acks: 1,
    autocreateTopics: false,
  });
  const sending = new Set<Promise<unknown>>();
  let failure: unknown;
  const fired: number[] = [];
  const start = systemClock.now();
  const dueOf = (index: number): number => start + Math.floor((index * 1_000) / eventsPerSecond);
  try {
    for (let next = 0; !signal.aborted && failure === undefined; await systemClock.sleep(STEP_MS)) {
      const now = systemClock.now();
      const messages = [];
      for (; dueOf(next) <= now; next++) {
        const key = `user_${(next * 7_919) % users}`;
        const event = next % firesEach === 0 ? 'purchase' : 'product_view';
        if (event === 'purchase') fired.push(dueOf(next));
        messages.push({
          topic,
          partition: partitionOf(Buffer.from(key), partitions),
          key,
          value: line(next, key, event, dueOf(next)),
        });
      }
      if (messages.length === 0) continue;
      const sent = producer.send({ messages }).catch((error: unknown) => (failure ??= error));
      sending.add(sent);
      void sent.then(() => sending.delete(sent));
    }
    await Promise.all(sending);
  } finally {
    await producer.close();
  }
  if (failure !== undefined) throw failure;
  return fired;
}

function line(index: number, userId: string, event: string, due: number): string {
  const properties = { cartId: `cart_${userId}`, value: 49.99, currency: 'EUR', path: PADDING };
  return JSON.stringify({
    messageId: `live-${due}-${index}`,
    type: 'track',
    userId,
    event,
    timestamp: due,
    properties,
  });
}

async function openReader({ log, partitions }: LiveLoadOptions): Promise<LogReader> {
  const reader = log.openReader();
  const ends = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => log.admin.offsets({ topic: ACTIONS, partition })),
  );
  reader.assign(ends.map(({ end }, partition) => ({ topic: ACTIONS, partition, offset: end })));
  return reader;
}

async function readActions(reader: LogReader, seen: Seen[], signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      const fetched = await reader.read({ maxBytes: READ_BYTES, waitMs: 1_000, signal });
      const read = systemClock.now();
      for (const { partition, records } of fetched) {
        for (const { value } of records) seen.push({ partition, due: actionCodec.decode(value!).at, read });
      }
    }
  } finally {
    await reader.close();
  }
}

/** The value below which that share of them lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
