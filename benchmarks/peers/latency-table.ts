// The table of runs at fixed rates: medians over the rounds, and the longest of all.

import type { Latency } from './latency.ts';
import type { Peer } from './peer.ts';
import type { Rounds } from './rounds.ts';
import { type Column, medianText, numberText, tableOf } from './table.ts';
import { guaranteeText } from './throughput-table.ts';

export interface LatencyCase {
  readonly peer: Peer;
  readonly eventsPerSecond: number;
}

interface Row extends LatencyCase {
  /** Those that did not fail. */
  readonly done: readonly Latency[];
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'peer', of: ({ peer }) => peer.label },
  { head: 'guarantee', of: ({ peer }) => guaranteeText(peer) },
  { head: 'events/s', isNumber: true, of: ({ eventsPerSecond }) => numberText(eventsPerSecond) },
  { head: 'p50 ms', isNumber: true, of: ({ done }) => medianText(done, ({ p50 }) => p50) },
  { head: 'p95 ms', isNumber: true, of: ({ done }) => medianText(done, ({ p95 }) => p95) },
  { head: 'p99 ms', isNumber: true, of: ({ done }) => medianText(done, ({ p99 }) => p99) },
  {
    head: 'longest ms',
    isNumber: true,
    of: ({ done }) => (done.length === 0 ? 'failed' : numberText(Math.max(...done.map(({ max }) => max)))),
  },
  {
    head: 'of it in the log, p50 and p99',
    isNumber: true,
    of: ({ done }) => `${medianText(done, ({ sentP50 }) => sentP50)}, ${medianText(done, ({ sentP99 }) => sentP99)}`,
  },
  {
    head: 'CPU, % of a core',
    isNumber: true,
    of: ({ done }) => medianText(done, ({ cpuShare }) => (cpuShare === null ? null : 100 * cpuShare)),
  },
  { head: 'peak MB', isNumber: true, of: ({ done }) => medianText(done, (run) => run.peakMegabytes) },
];

export function latencyTable(rounds: Rounds<LatencyCase, Latency>): string[] {
  const rows = [...rounds].map(([one, runs]) => ({ ...one, done: runs.filter((run) => run !== undefined) }));
  return tableOf(COLUMNS, rows);
}
