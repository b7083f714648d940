// What pending timers cost those who do not wait: from 10,000 to 10,000,000 of them beside the same events.
//
// Measured: one engine thread on an embedded log, in a process of its own, with the job "add_to_cart, no purchase in 24
// hours". As many people as there are to be timers put something into their carts; then 50,000 others have events, which
// are what is measured, while none of the timers comes due. Also what is live on the heap afterwards, the largest resident
// memory, and what a timer takes on disk: alone, and with the document that it is for. Not measured: timers that come due
// (scale-due.bench.ts).

import { systemClock } from '../lib/clock.ts';
import type { EventOptions } from './events.ts';
import type { Figure } from './figure.ts';
import { measureCase, ownMemory } from './scale-case.ts';

const TIMERS = [10_000, 100_000, 1_000_000, 10_000_000];
const OTHERS = 50_000;
const EVENTS = 500_000;
/** Of the others' events, before the clock is started: all of them have come then, and compiled code is what is measured. */
const WARM_UP_EVENTS = 250_000;
const HOUR_MS = 3_600_000;

/** `scale` 1 has up to ten million timers, and takes ten minutes and 12 GB of disk. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const figures: Figure[] = [];
  const costs: number[] = [];
  for (const count of TIMERS) {
    const timers = Math.max(10, Math.round(count * scale));
    const others = Math.max(10, Math.round(OTHERS * scale));
    const now = systemClock.now();
    const waiting: EventOptions = {
      events: timers,
      users: timers,
      firstUser: others,
      userOrder: 'scattered',
      startMs: now - 2 * HOUR_MS,
      spanMs: HOUR_MS,
      names: { add_to_cart: 1 },
    };
    const measured: EventOptions = {
      events: Math.max(200, Math.round((WARM_UP_EVENTS + EVENTS) * scale)),
      users: others,
      userOrder: 'scattered',
      startMs: now - HOUR_MS,
      spanMs: HOUR_MS,
      names: { add_to_cart: 70, purchase: 30 },
    };
    const filled = timers + Math.round(WARM_UP_EVENTS * scale);
    const report = await measureCase([waiting, measured], filled);
    costs.push(report.processorNanoseconds);
    const name = `${timers} pending timers`;
    figures.push(
      { name: `${name}: an event beside them`, value: report.processorNanoseconds, unit: 'ns of processor time' },
      { name: `${name}: live heap`, value: report.heapMegabytes, unit: 'MB' },
      { name: `${name}: peak memory`, value: report.peakMegabytes, unit: 'MB' },
      ...ownMemory(name, report),
      { name: `${name}: a timer's row`, value: atLeast1(report.indexBytes / timers), unit: 'bytes on disk' },
      { name: `${name}: with its document`, value: atLeast1(report.stateBytes / timers), unit: 'bytes on disk' },
    );
  }
  const ratio = Math.round((100 * costs.at(-1)!) / costs[0]!);
  figures.push({ name: 'timers: an event beside the most, against the fewest', value: ratio, unit: '%' });
  return figures;
}

/** Of little data LevelDB does not say how much it is. */
function atLeast1(bytes: number): number {
  return Math.max(1, Math.round(bytes));
}
