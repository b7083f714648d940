// The table of one input: medians over the rounds, and ratios taken within each round.

import type { ActionCount } from './expected.ts';
import type { Guarantee, Peer } from './peer.ts';
import type { Throughput } from './throughput.ts';

/** What each round brought of a peer, in the order of rounds; undefined where it failed. */
export type Rounds = ReadonlyMap<Peer, readonly (Throughput | undefined)[]>;

const HEAD = ['peer', 'guarantee', 'threads', 'events/s', 'least to most', '÷ Streams', '÷ Node floor', 'seconds'];
const MORE = ['CPU s per 1M', 'broker CPU s per 1M', 'peak MB', 'actions'];

/** Rows of a table in Markdown. */
export function throughputTable(rounds: Rounds): string[] {
  const floor = peerNamed(rounds, 'floor-parse');
  const rows = [...rounds].map(([peer, runs]) => {
    const done = runs.filter((run) => run !== undefined);
    if (done.length === 0) return rowOf([...nameOf(peer), 'failed', ...Array<string>(8).fill('')]);
    const rates = done.map((run) => run.eventsPerSecond);
    const streams = peer.guarantee === null ? undefined : streamsOf(rounds, peer.guarantee);
    return rowOf([
      ...nameOf(peer),
      whole(median(rates)),
      `${whole(Math.min(...rates))} to ${whole(Math.max(...rates))}`,
      ratioText(runs, streams),
      ratioText(runs, floor),
      fixed(medianOf(done, 'seconds'), 1),
      fixed(medianOf(done, 'cpuPerMillion'), 1),
      fixed(medianOf(done, 'brokerCpuPerMillion'), 1),
      fixed(medianOf(done, 'peakMegabytes'), 0),
      actionsText(done),
    ]);
  });
  return [
    rowOf([...HEAD, ...MORE]),
    rowOf(['---', '---', ...Array<string>(HEAD.length + MORE.length - 3).fill('---:'), '---']),
    ...rows,
  ];
}

function nameOf({ label, guarantee, threads }: Peer): string[] {
  return [label, guarantee?.replaceAll('_', ' ') ?? '–', String(threads)];
}

function peerNamed(rounds: Rounds, name: string): readonly (Throughput | undefined)[] | undefined {
  return [...rounds].find(([peer]) => peer.name === name)?.[1];
}

function streamsOf(rounds: Rounds, guarantee: Guarantee): readonly (Throughput | undefined)[] | undefined {
  return peerNamed(rounds, `streams-${guarantee.replaceAll('_', '-')}`);
}

/** The median of what it was in each round: what slows a whole round slows both. */
function ratioText(
  runs: readonly (Throughput | undefined)[],
  others: readonly (Throughput | undefined)[] | undefined,
): string {
  const ratios = runs.flatMap((run, round) => {
    const other = others?.[round];
    return run === undefined || other === undefined ? [] : [run.eventsPerSecond / other.eventsPerSecond];
  });
  return ratios.length === 0 ? '–' : median(ratios).toFixed(2);
}

/** Of the run that was furthest from what was expected. */
function actionsText(runs: readonly Throughput[]): string {
  const counts = runs.flatMap(({ actions }) => actions ?? []);
  const worst = counts.sort((a, b) => faults(b) - faults(a))[0];
  if (worst === undefined) return 'none';
  const twice = twiceOf(worst);
  const deviations = [
    ...(worst.missing > 0 ? [`${whole(worst.missing)} missing`] : []),
    ...(worst.wrong > 0 ? [`${whole(worst.wrong)} wrong`] : []),
    ...(twice > 0 ? [`${whole(twice)} twice`] : []),
  ];
  const text = `${whole(worst.written)} of ${whole(worst.expected)}`;
  return deviations.length === 0 ? text : `${text}: ${deviations.join(', ')}`;
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

function medianOf(
  runs: readonly Throughput[],
  field: 'seconds' | 'cpuPerMillion' | 'brokerCpuPerMillion' | 'peakMegabytes',
): number | null {
  const values = runs.flatMap((run) => run[field] ?? []);
  return values.length === 0 ? null : median(values);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}
