// The inputs that the peers read: made once a call, the same bytes for all, with the actions that must come of them.

import { systemClock } from '../../lib/clock.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { type EventOptions, eventLines, SHOP_NAMES } from '../events.ts';
import { writeAhead } from '../worker-load.ts';
import { Expected } from './expected.ts';

export interface Input {
  readonly name: InputName;
  readonly topic: string;
  readonly partitions: number;
  readonly events: number;
  readonly users: number;
  readonly expected: Expected;
}

export type InputName = keyof typeof INPUTS;

export const PARTITIONS = 4;
const HOUR_MS = 3_600_000;
/** Long enough that the deadlines of half the carts pass meanwhile. */
const SPAN_MS = 48 * HOUR_MS;
/** Of all peers: event time waits so long for events that come out of order. */
const OUT_OF_ORDERNESS_MS = 5_000;
/** Quix Streams has no timers: its job looks for deadlines by the minute. */
const COARSEST_LOOK_MS = 60_000;

/** What is in them at scale 1. */
const INPUTS = {
  shop: { what: 'events of a shop', events: 1_000_000, users: 50_000, spanMs: SPAN_MS, names: SHOP_NAMES },
  part: {
    what: 'a tenth as many events of a shop',
    events: 100_000,
    users: 50_000,
    spanMs: SPAN_MS,
    names: SHOP_NAMES,
  },
  carts: {
    what: 'carts and purchases only, all to be remembered',
    ...{ events: 1_000_000, users: 50_000, spanMs: SPAN_MS, names: { add_to_cart: 70, purchase: 30 } },
  },
  users: {
    what: 'a cart of a million users each, all pending',
    ...{ events: 1_000_000, users: 1_000_000, spanMs: HOUR_MS, names: { add_to_cart: 1 }, userOrder: 'in-turn' },
  },
} as const satisfies Record<string, Partial<EventOptions> & { what: string }>;

export function whatIsIn(name: InputName): string {
  return INPUTS[name].what;
}

/** Writes the input; its last event is of about now. */
export async function makeInput(log: Log, name: InputName, scale: number): Promise<Input> {
  const { what, ...atFullScale } = INPUTS[name];
  const events = Math.max(1_000, Math.round(atFullScale.events * scale));
  const users = Math.max(50, Math.round(atFullScale.users * scale));
  const options = { ...atFullScale, events, users, startMs: systemClock.now() - atFullScale.spanMs };
  const topic = `events.${name}`;
  await log.admin.createTopics([{ topic, partitions: PARTITIONS }]);
  await writeAhead(log, topic, PARTITIONS, options);
  return { name, topic, partitions: PARTITIONS, events, users, expected: expectedOf(options) };
}

function expectedOf(options: EventOptions): Expected {
  const expected = new Expected();
  const ends = new Array<number>(PARTITIONS).fill(-Infinity);
  for (const chunk of eventLines(options)) {
    for (const line of chunk.toString('latin1').trimEnd().split('\n')) {
      const { userId, event, timestamp } = JSON.parse(line) as { userId: string; event: string; timestamp: string };
      const time = Date.parse(timestamp);
      expected.see(userId, event, time);
      ends[partitionOf(Buffer.from(userId), PARTITIONS)] = time;
    }
  }
  expected.bound = Math.min(...ends) - OUT_OF_ORDERNESS_MS - COARSEST_LOOK_MS;
  return expected;
}
