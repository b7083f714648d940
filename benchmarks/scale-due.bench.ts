// A million timers that come due at the same moment, and who else has to wait for them.
//
// Measured: one engine thread on an embedded log, in a process of its own, with four tasks, of which three have the timers,
// all with one deadline. The clock jumps to it: from then until the commit that has a timer's action is its lateness. All
// the while every task has an event each ten milliseconds that fires at once; the longest time from such an event to its
// action's commit says how long a task is held up, by its own timers and, in the fourth, by those of its neighbours. That
// every timer fired, and once, is checked. Not measured: a broker, more threads.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Figure } from './figure.ts';
import type { DueReport } from './scale-due-child.ts';

const TIMERS = 1_000_000;
const CHILD = fileURLToPath(new URL('./scale-due-child.ts', import.meta.url));

/** `scale` 1 has a million timers, and takes two minutes. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const timers = Math.max(300, Math.round(TIMERS * scale));
  const folder = await mkdtemp(join(tmpdir(), 'tripline-due-bench-'));
  try {
    const args = [...process.execArgv, CHILD, folder, String(timers)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { timersPerSecond, processorNanoseconds, latenessMs, longestWaitMs, peakMegabytes } = JSON.parse(
      stdout,
    ) as DueReport;
    const name = `${timers} timers due at once`;
    return [
      { name: `${name}: fired`, value: timersPerSecond, unit: 'timers/s' },
      { name: `${name}: a timer`, value: processorNanoseconds, unit: 'ns of processor time' },
      { name: `${name}: lateness, p50`, value: latenessMs.p50, unit: 'ms' },
      { name: `${name}: lateness, p99`, value: latenessMs.p99, unit: 'ms' },
      { name: `${name}: lateness, longest`, value: latenessMs.longest, unit: 'ms' },
      { name: `${name}: longest wait of an event in their tasks`, value: longestWaitMs.beside, unit: 'ms' },
      { name: `${name}: longest wait of an event in another task`, value: longestWaitMs.elsewhere, unit: 'ms' },
      { name: `${name}: peak memory`, value: peakMegabytes, unit: 'MB' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
