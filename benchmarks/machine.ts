// Where and of what figures were taken: without it they say nothing.

import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Lines for the head of results; the load is that of now. */
export function machineLines(): string[] {
  return [
    `Machine: ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${gigabytes(totalmem())} GB`,
    `Node ${process.version}, commit ${commit()}`,
    `Load of the machine before: ${loadavg()[0]!.toFixed(1)}`,
  ];
}

function gigabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 30);
}

function commit(): string {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    const changed = execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], options) !== '';
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim() + (changed ? ' with changes' : '');
  } catch {
    // A copy without its history.
    return 'unknown';
  }
}
