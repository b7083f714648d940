// What a process and its children have used of the machine, as Linux tells it in /proc.
//
// Owns: processor time and peak memory of a tree of processes. Where there is no /proc, nothing is told: null.

import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/stat: the kernel counts in hundredths of a second wherever Node runs. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the name: parent, and time of its own and of its ended children. */
const PARENT = 1;
const TIMES = [11, 12, 13, 14];

/** Seconds of processor time of the tree so far, user and system, all threads, ended children too. */
export function cpuSeconds(pid: number): number | null {
  if (!existsSync('/proc/self/stat')) return null;
  const ticks = treeOf(pid).reduce((sum, fields) => sum + TIMES.reduce((own, at) => own + Number(fields[at]), 0), 0);
  return ticks / TICKS_PER_SECOND;
}

/** The largest resident memory of each process of the tree so far, added up, MB: files that they map count too. */
export function peakMegabytes(pid: number): number | null {
  return megabytes(pid, 'VmHWM');
}

/** The memory that the tree has for itself now, MB: no files, which the system drops when it needs the room. */
export function ownMegabytes(pid: number): number | null {
  return megabytes(pid, 'RssAnon');
}

function megabytes(pid: number, field: 'VmHWM' | 'RssAnon'): number | null {
  if (!existsSync('/proc/self/stat')) return null;
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm');
  const each = treeOf(pid).map((stat) => Number(line.exec(read(`/proc/${stat.pid}/status`))?.[1] ?? 0));
  return Math.round(each.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1024);
}

/** Fields of `stat` from the state on, with the process they are of. */
type Stat = readonly string[] & { readonly pid: number };

function treeOf(root: number): Stat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)));
  const tree = all.filter(({ pid }) => pid === root);
  // Grows while it is walked: children come after their parents.
  for (const { pid } of tree) tree.push(...all.filter((stat) => Number(stat[PARENT]) === pid));
  return tree;
}

/** The name may hold anything, so what counts begins after its last parenthesis. Empty when the process is gone. */
function statOf(pid: number): Stat {
  const text = read(`/proc/${pid}/stat`);
  return Object.assign(text.slice(text.lastIndexOf(')') + 2).split(' '), { pid });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}
