// The table of runs over one input: medians over the rounds, and ratios taken within each round.

import type { ActionCount } from './expected.ts';
import type { Peer } from './peer.ts';
import type { Rounds } from './rounds.ts';
import { type Column, median, medianText, numberText, tableOf } from './table.ts';
import type { Throughput } from './throughput.ts';

interface Row {
  readonly peer: Peer;
  readonly runs: readonly (Throughput | undefined)[];
  /** Those that did not fail. */
  readonly done: readonly Throughput[];
  /** Of Kafka Streams with the same guarantee, and of Node that reads and parses. */
  readonly streams: readonly (Throughput | undefined)[];
  readonly floor: readonly (Throughput | undefined)[];
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'peer', of: ({ peer }) => peer.label },
  { head: 'guarantee', of: ({ peer }) => guaranteeText(peer) },
  { head: 'threads', isNumber: true, of: ({ peer }) => String(peer.threads) },
  { head: 'events/s', isNumber: true, of: ({ done }) => medianText(done, (run) => run.eventsPerSecond) },
  { head: 'least to most', isNumber: true, of: ({ done }) => rangeText(done.map((run) => run.eventsPerSecond)) },
  { head: '÷ Streams', isNumber: true, of: ({ runs, streams }) => ratioText(runs, streams) },
  { head: '÷ Node parsing', isNumber: true, of: ({ runs, floor }) => ratioText(runs, floor) },
  { head: 'seconds in all', isNumber: true, of: ({ done }) => medianText(done, (run) => run.seconds, 1) },
  { head: 'CPU s per 1M', isNumber: true, of: ({ done }) => medianText(done, (run) => run.cpuPerMillion, 1) },
  { head: 'broker CPU s', isNumber: true, of: ({ done }) => medianText(done, (run) => run.brokerCpuPerMillion, 1) },
  { head: 'peak MB', isNumber: true, of: ({ done }) => medianText(done, (run) => run.peakMegabytes) },
  { head: 'of it its own', isNumber: true, of: ({ done }) => medianText(done, (run) => run.ownMegabytes) },
  { head: 'actions', of: ({ done }) => actionsText(done) },
];

export function throughputTable(rounds: Rounds<Peer, Throughput>): string[] {
  const named = (name: string): readonly (Throughput | undefined)[] =>
    [...rounds].find(([peer]) => peer.name === name)?.[1] ?? [];
  const rows = [...rounds].map(([peer, runs]): Row => {
    const done = runs.filter((run) => run !== undefined);
    const streams = peer.guarantee === null ? [] : named(`streams-${peer.guarantee.replaceAll('_', '-')}`);
    return { peer, runs, done, streams, floor: named('floor-parse') };
  });
  return tableOf(COLUMNS, rows);
}

export function guaranteeText({ guarantee }: Peer): string {
  return guarantee?.replaceAll('_', ' ') ?? '–';
}

function rangeText(values: readonly number[]): string {
  return values.length === 0 ? 'failed' : `${numberText(Math.min(...values))} to ${numberText(Math.max(...values))}`;
}

/** The median of what it was in each round: what slows a whole round slows both. */
function ratioText(runs: readonly (Throughput | undefined)[], others: readonly (Throughput | undefined)[]): string {
  const ratios = runs.flatMap((run, round) => {
    const other = others[round];
    return run === undefined || other === undefined ? [] : [run.eventsPerSecond / other.eventsPerSecond];
  });
  return ratios.length === 0 ? '–' : numberText(median(ratios), 2);
}

/** Of the run that was furthest from what was expected. */
function actionsText(runs: readonly Throughput[]): string {
  const counts = runs.flatMap(({ actions }) => actions ?? []);
  const worst = counts.sort((a, b) => faults(b) - faults(a))[0];
  if (worst === undefined) return 'none';
  const deviations = [
    { count: worst.missing, text: 'missing' },
    { count: worst.wrong, text: 'wrong' },
    { count: twiceOf(worst), text: 'twice' },
  ];
  const told = deviations.filter(({ count }) => count > 0).map(({ count, text }) => `${numberText(count)} ${text}`);
  const text = `${numberText(worst.written)} of ${numberText(worst.expected)}`;
  return told.length === 0 ? text : `${text}: ${told.join(', ')}`;
}

/** Neither missing nor wrong nor repeated. */
export function areExact(actions: ActionCount): boolean {
  return faults(actions) === 0;
}

function faults(actions: ActionCount): number {
  return actions.missing + actions.wrong + twiceOf(actions);
}

function twiceOf({ expected, missing, wrong, written }: ActionCount): number {
  return written - wrong - (expected - missing);
}
