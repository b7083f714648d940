// Events that are sent when they are due, whatever becomes of them (open loop), and the actions that come of them.
//
// Invariants:
//   V1. An event carries the time at which it was due, and each latency is counted from then: when a sender or a worker
//       stands still, all that was due meanwhile counts as late.

import { systemClock } from '../lib/clock.ts';
import { partitionOf } from '../lib/murmur2.ts';
import { actionCodec } from '../schemas/framed.ts';
import type { LogRecord, NewRecord } from '../schemas/record.ts';
import { until } from '../testing/until.ts';
import type { Log, LogReader } from '../topology/engine/ports.ts';

/** Fires for every event of that name, at once; the action carries the event's time. */
export const LIVE_RULE = 'id: bought\nwhen: { event: purchase }\nthen: [{ send: { channel: webhook } }]\n';

export interface LiveLoadOptions {
  /** Without transactions: an event is there as soon as it is written. */
  readonly log: Log;
  readonly topic: string;
  readonly partitions: number;
  readonly eventsPerSecond: number;
  readonly users: number;
  /** One event in so many is one that fires. */
  readonly firesEach: number;
  /** Where the actions are written, and how to learn the time of the event from one; left out: those of Tripline. */
  readonly actions?: { readonly topic: string; decode(record: LogRecord): { readonly at: number } };
  /** Called with the time from when the oldest event of a batch was due until the batch was in the log, ms. */
  readonly onSent?: (delayMs: number) => void;
}

const TRIPLINE_ACTIONS = {
  topic: 'actions.webhook',
  decode: ({ value }: LogRecord) => actionCodec.decode(value!),
};

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
const WRITER = 'bench-live';
const PADDING = 'x'.repeat(200);

/** Sends until `signal` aborts, and reads the actions; returns them in the order read. Throws when some do not come. */
export async function liveLoad(options: LiveLoadOptions, signal: AbortSignal): Promise<readonly Seen[]> {
  const reading = new AbortController();
  const seen: Seen[] = [];
  // Opened before the first event is sent, or its action may be written before reading begins.
  const reader = await openReader(options);
  const read = readActions(reader, seen, options, reading.signal);
  let fired: readonly number[] = [];
  try {
    fired = await send(options, signal);
    const bound = { message: 'an action for each', deadlineMs: LAST_MS, seen: () => differenceOf(fired, seen) };
    await until(() => seen.length >= fired.length, bound);
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

/** Returns when those of the events that fire were due. One batch is under way at a time. */
async function send(options: LiveLoadOptions, signal: AbortSignal): Promise<readonly number[]> {
  const { log, topic, partitions, eventsPerSecond, users, firesEach, onSent } = options;
  const writer = await log.openWriter(WRITER);
  const fired: number[] = [];
  const start = systemClock.now();
  const dueOf = (index: number): number => start + Math.floor((index * 1_000) / eventsPerSecond);
  try {
    for (let next = 0; !signal.aborted; await systemClock.sleep(STEP_MS)) {
      const now = systemClock.now();
      const oldest = dueOf(next);
      const records: NewRecord[] = [];
      for (; dueOf(next) <= now; next++) {
        const user = `user_${(next * 7_919) % users}`;
        const event = next % firesEach === 0 ? 'purchase' : 'product_view';
        if (event === 'purchase') fired.push(dueOf(next));
        const key = Buffer.from(user);
        const value = Buffer.from(line(next, user, event, dueOf(next)));
        records.push({ topic, partition: partitionOf(key, partitions), timestamp: now, key, value, headers: [] });
      }
      if (records.length === 0) continue;
      writer.send(records);
      await writer.commit(WRITER, []);
      onSent?.(systemClock.now() - oldest);
    }
  } finally {
    await writer.close();
  }
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

async function openReader({ log, partitions, actions = TRIPLINE_ACTIONS }: LiveLoadOptions): Promise<LogReader> {
  const { topic } = actions;
  const reader = log.openReader();
  const ends = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => log.admin.offsets({ topic, partition })),
  );
  reader.assign(ends.map(({ end }, partition) => ({ topic, partition, offset: end })));
  return reader;
}

async function readActions(
  reader: LogReader,
  seen: Seen[],
  { actions = TRIPLINE_ACTIONS }: LiveLoadOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    while (!signal.aborted) {
      const fetched = await reader.read({ maxBytes: READ_BYTES, waitMs: 1_000, signal });
      const read = systemClock.now();
      for (const { partition, records } of fetched) {
        for (const record of records) seen.push({ partition, due: actions.decode(record).at, read });
      }
    }
  } finally {
    await reader.close();
  }
}

/** The longest time between two actions of one partition, ms. */
export function longestPause(seen: readonly Seen[]): number {
  let longest = 0;
  const last = new Map<number, number>();
  for (const { partition, read } of seen) {
    longest = Math.max(longest, read - (last.get(partition) ?? read));
    last.set(partition, read);
  }
  return longest;
}

/** The value below which that share of them lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
