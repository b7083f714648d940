// What a million people with pending timers take of memory: one timer each, and ten each, in the engine as a backtest
// runs it, with its state on disk.
//
// Measured: the largest resident memory of a process of its own (memory-child.ts), from its start until every user's
// event has been evaluated and all timers are pending; and the rate at which it got there. Not measured: making events.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Figure } from './figure.ts';
import type { MemoryReport } from './memory-child.ts';

const USERS = 1_000_000;
const TIMERS = [1, 10];
const CHILD = fileURLToPath(new URL('./memory-child.ts', import.meta.url));

/** `scale` 1 has a million users. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const users = Math.max(100, Math.round(USERS * options.scale));
  const figures: Figure[] = [];
  for (const timers of TIMERS) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...process.execArgv,
      CHILD,
      String(users),
      String(timers),
    ]);
    const report = JSON.parse(stdout) as MemoryReport;
    const name = `${users} users, ${timers} pending timer${timers === 1 ? '' : 's'} each`;
    figures.push({ name: `${name}: peak memory`, value: report.peakMegabytes, unit: 'MB' });
    figures.push({ name: `${name}: timers set`, value: report.timersPerSecond, unit: 'timers/s' });
  }
  return figures;
}
