// Events to measure with: Segment-spec JSON Lines of a made-up shop, the same bytes for the same options.
//
// Owns: their making, fast enough never to be what is measured. Does not own: the rules over them (rules.ts).

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Rng, seededRng } from '../lib/rng.ts';

export interface EventOptions {
  readonly events: number;
  readonly users: number;
  /** Event time from the first to the last event; they are evenly spread, in order of time. */
  readonly spanMs: number;
  /** Event time of the first, ms; default 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  /** Names with their weights; default SHOP_NAMES. */
  readonly names?: Readonly<Record<string, number>>;
  /**
   * `random`: anyone at any time. `in-turn`: every user once before anyone twice, by number. `scattered`: the same, but
   * whose names follow each other come far apart, so that no store finds one beside the other. Default `random`.
   */
  readonly userOrder?: 'random' | 'in-turn' | 'scattered';
  /** Number of the first user. Default 0. */
  readonly firstUser?: number;
  readonly seed?: number;
}

/** Names and weights much as the sample of a real shop has them. */
export const SHOP_NAMES: Readonly<Record<string, number>> = {
  product_view: 36,
  catalog: 24,
  search: 15,
  login: 6,
  add_to_cart: 7,
  wishlist_add: 4,
  payment_details: 3,
  purchase: 3,
  support_chat: 1,
  payment_error: 1,
};

const START_MS = Date.UTC(2026, 0, 1);
/** Large enough that writing is not many small calls, small enough to stay in the processor's cache. */
const CHUNK_LINES = 1_000;
const PRODUCTS = 1_000;
/** A table to draw names from: its size is how finely weights are kept. */
const NAME_DRAWS = 4_096;

/** Chunks of whole lines, each line an event of 300 to 400 bytes. */
export function* eventLines(options: EventOptions): Generator<Buffer> {
  const { events, users, firstUser = 0, spanMs, startMs = START_MS, userOrder = 'random', seed = 1 } = options;
  const rng = seededRng(seed);
  const names = nameDraws(options.names ?? SHOP_NAMES);
  const products = Array.from({ length: PRODUCTS }, (_, index) => productJson(index, rng));
  const stepMs = events > 1 ? spanMs / (events - 1) : 0;
  const stride = userOrder === 'scattered' ? strideOf(users) : 1;

  for (let first = 0; first < events; first += CHUNK_LINES) {
    let text = '';
    for (let index = first; index < Math.min(first + CHUNK_LINES, events); index++) {
      const user = firstUser + (userOrder === 'random' ? draw(rng, users) : (index * stride) % users);
      text += line(index, user, names[draw(rng, names.length)]!, startMs + Math.round(index * stepMs), {
        product: products[draw(rng, products.length)]!,
        quantity: 1 + draw(rng, 3),
      });
    }
    yield Buffer.from(text, 'latin1');
  }
}

/** Writes the events to a file; returns its size in bytes. */
export async function writeEvents(path: string, options: EventOptions): Promise<number> {
  const file = createWriteStream(path, { highWaterMark: 4 * 1024 * 1024 });
  let bytes = 0;
  for (const chunk of eventLines(options)) {
    bytes += chunk.length;
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
  return bytes;
}

function line(
  index: number,
  user: number,
  name: string,
  timeMs: number,
  bought: { product: string; quantity: number },
): string {
  const timestamp = new Date(timeMs).toISOString();
  return `{"messageId":"bench-${index}","type":"track","userId":"user_${user}","event":"${name}","timestamp":"${timestamp}","properties":{"cartId":"cart_${user}","quantity":${bought.quantity},${bought.product}},"context":{"library":{"name":"analytics-node"},"locale":"en-GB"}}\n`;
}

/** The fields of a product, without the braces. `value` has a fraction, as prices have. */
function productJson(index: number, rng: Rng): string {
  const value = (5 + draw(rng, 200) + 0.99).toFixed(2);
  const platform = ['web', 'ios', 'android', 'tablet'][draw(rng, 4)];
  return `"productId":"sku_${index}","value":${value},"currency":"EUR","category":"category_${index % 20}","platform":"${platform}","path":"/shop/category_${index % 20}/sku_${index}"`;
}

function nameDraws(weights: Readonly<Record<string, number>>): string[] {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Object.entries(weights).flatMap(([name, weight]) =>
    new Array<string>(Math.max(1, Math.round((weight / total) * NAME_DRAWS))).fill(name),
  );
}

/** Steps of this length come to each of `users` once, and to neighbours late: some golden section of them. */
function strideOf(users: number): number {
  let stride = Math.max(1, Math.round(users * 0.618));
  while (greatestCommonDivisor(stride, users) > 1) stride--;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function draw(rng: Rng, count: number): number {
  return Math.floor(rng.next() * count);
}
