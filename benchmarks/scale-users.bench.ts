// What an event costs as people grow in number: from 10,000 to 5,000,000, each with state that the event needs.
//
// Measured: one engine thread on an embedded log, in a process of its own, with the job "add_to_cart, no purchase in 24
// hours". Everybody has an event each twelve hours, in an order that has nothing to do with their names, so that with
// more people than the cache holds every event has its document read from LevelDB, decoded, and written back, and
// compactions write it again. Everybody has come at least once before the clock is started; then the same number of events
// is measured each time. Processor time is that of all threads, LevelDB's too. Not measured: a broker; a disk that is slower
// than the system's own cache of it, which holds all of it here as long as memory lasts.

import { systemClock } from '../lib/clock.ts';
import type { Figure } from './figure.ts';
import { measureCase, ownMemory } from './scale-case.ts';

const USERS = [10_000, 100_000, 1_000_000, 5_000_000];
const EVENTS = 1_000_000;
/** So many events come first in any case: compiled code is what is measured. */
const WARM_UP_EVENTS = 200_000;
const GAP_MS = 12 * 3_600_000;
const NAMES = { add_to_cart: 70, purchase: 30 };

/** `scale` 1 has up to five million people, and takes five minutes and 6 GB of disk. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const figures: Figure[] = [];
  const costs: number[] = [];
  for (const count of USERS) {
    const users = Math.max(10, Math.round(count * scale));
    const filled = Math.max(users, Math.round(WARM_UP_EVENTS * scale));
    const events = filled + Math.max(100, Math.round(EVENTS * scale));
    const spanMs = Math.round((events / users) * GAP_MS);
    const startMs = systemClock.now() - spanMs;
    const report = await measureCase(
      [{ events, users, spanMs, startMs, names: NAMES, userOrder: 'scattered' }],
      filled,
    );
    costs.push(report.processorNanoseconds);
    const name = `${users} users`;
    figures.push(
      { name: `${name}: an event`, value: report.processorNanoseconds, unit: 'ns of processor time' },
      { name: `${name}: one thread`, value: report.eventsPerSecond, unit: 'events/s' },
      { name: `${name}: peak memory`, value: report.peakMegabytes, unit: 'MB' },
      ...ownMemory(name, report),
      { name: `${name}: state on disk`, value: Math.round(report.stateBytes / users), unit: 'bytes per user' },
    );
    if (report.writtenBytes !== null) {
      figures.push({ name: `${name}: an event, written to disk`, value: report.writtenBytes, unit: 'bytes' });
    }
  }
  const ratio = Math.round((100 * costs.at(-1)!) / costs[0]!);
  figures.push({ name: 'users: an event with the most, against the fewest', value: ratio, unit: '%' });
  return figures;
}
