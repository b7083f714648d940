// The arithmetic of docs/capacity.md: `node benchmarks/capacity.ts` reads the page's two tables of figures, of the load and
// of the unit costs, and writes the plan that follows from them into the page.
//
// Owns: the formulas. Does not own: the figures, which are written into the page by hand, from what the benches said.

import { readFileSync, writeFileSync } from 'node:fs';

const PAGE = new URL('../docs/capacity.md', import.meta.url);
const FIGURES = /<!-- figures -->\n([\s\S]*?)<!-- \/figures -->/g;
const PLAN = /(<!-- plan -->\n)[\s\S]*?(<!-- \/plan -->)/;
const ROW = /^\| `(\w+)` \| ([^|]+) \|/gm;

/** By name; of a load that the page gives for several examples, of one of them. */
type Figures = Readonly<Record<string, number>>;

/** The page with its plan made anew. Throws when a figure is missing in it. */
export function withPlan(page: string): string {
  const examples = examplesOf(page);
  const names = planOf(examples[0]!).map(({ what }) => what);
  const plans = examples.map(planOf);
  const rows = names.map(
    (what, i) => `| ${what} | ${plans.map((plan) => plan[i]!.value).join(' | ')} | ${plans[0]![i]!.how} |`,
  );
  const columns = examples.map((_, i) => `example ${i + 1}`);
  const head = [`| what | ${columns.join(' | ')} | how |`, `| --- | ${columns.map(() => '---:').join(' | ')} | --- |`];
  return page.replace(PLAN, (_, start: string, end: string) => `${start}${[...head, ...rows].join('\n')}\n${end}`);
}

/** A figure with several values has one for each example; one with one has it in all. */
function examplesOf(page: string): Figures[] {
  const values = new Map<string, number[]>();
  for (const [, table] of page.matchAll(FIGURES)) {
    for (const [, name, cell] of table!.matchAll(ROW)) {
      values.set(
        name!,
        cell!.split('/').map((text) => Number(text.replaceAll(',', ''))),
      );
    }
  }
  const count = Math.max(...[...values.values()].map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => {
    return Object.fromEntries([...values].map(([name, each]) => [name, each[i] ?? each[0]!]));
  });
}

interface Line {
  readonly what: string;
  readonly value: string;
  readonly how: string;
}

function planOf(figures: Figures): Line[] {
  const of = (name: string): number => {
    const value = figures[name];
    if (value === undefined || Number.isNaN(value)) throw new Error(`docs/capacity.md has no figure ${name}`);
    return value;
  };
  const lines: Line[] = [];
  const line = (what: string, value: number, unit: string, how: string): number => {
    lines.push({ what, value: `${rounded(value)}${unit === '' ? '' : ` ${unit}`}`, how });
    return value;
  };
  const { ceil } = Math;
  const stored = of('events') * of('remembered');
  const passed = of('events') - stored;

  // One thread's time is what it takes of both kinds of events, and of what it copies for others as a standby.
  const copied = stored * of('standbys');
  const secondsBusy =
    passed / of('passedPerThread') + stored / of('storedPerThread') + copied / of('restoredPerThread');
  const cores = (passed * of('passedNs') + stored * of('storedNs') + copied * of('copiedNs')) / 1e9 / of('busy');
  const threads = line(
    'engine threads',
    ceil(secondsBusy / of('busy')),
    '',
    '(passed / `passedPerThread` + stored / `storedPerThread` + copied / `restoredPerThread`) / `busy`',
  );
  const partitions = line(
    'partitions of the source',
    threads * of('tasksPerThread'),
    '',
    'threads × `tasksPerThread`: round up to what divides well',
  );
  line('cores for them', ceil(cores), '', '(passed × `passedNs` + stored × `storedNs` + copied × `copiedNs`) / `busy`');
  line(
    'their memory',
    (threads * (of('threadMegabytes') + of('tasksPerThread') * of('taskMegabytes'))) / 1e3,
    'GB',
    'threads × (`threadMegabytes` + `tasksPerThread` × `taskMegabytes`)',
  );

  const copies = 1 + of('standbys');
  const stateGigabytes = (of('users') * of('diskBytes')) / 1e9;
  line(
    'state, on SSD and in the system’s cache of it',
    stateGigabytes * copies,
    'GB',
    '`users` × `diskBytes` × (1 + `standbys`)',
  );
  line(
    'written to these SSDs',
    (stored * of('writtenBytes') * copies) / 1e6,
    'MB/s',
    'stored × `writtenBytes` × (1 + `standbys`)',
  );

  const changelog = stored * of('changelogBytes');
  const decisions = of('events') * of('fired') * of('decisionBytes');
  const incoming = of('events') * of('eventBytes');
  line('network, events to workers', incoming / 1e6, 'MB/s', '`events` × `eventBytes`');
  line(
    'network, workers to brokers',
    (changelog + decisions) / 1e6,
    'MB/s',
    'stored × `changelogBytes` + `events` × `fired` × `decisionBytes`',
  );
  line(
    'network, changelogs to standbys',
    (changelog * of('standbys')) / 1e6,
    'MB/s',
    'stored × `changelogBytes` × `standbys`',
  );
  line(
    'network, between brokers',
    ((incoming + changelog + decisions) * (of('replicas') - 1)) / 1e6,
    'MB/s',
    'all that is written × (`replicas` − 1)',
  );

  const day = 86_400;
  line(
    'disk of brokers, events',
    (incoming * day * of('eventDays') * of('replicas')) / 1e12,
    'TB',
    '`events` × `eventBytes` × `eventDays` × `replicas`',
  );
  line(
    'disk of brokers, changelog',
    (of('users') * of('changelogBytes') * 2 * of('replicas')) / 1e12,
    'TB',
    '`users` × `changelogBytes` × 2 (half of it waits for compaction) × `replicas`',
  );
  line(
    'disk of brokers, decisions and actions',
    (decisions * day * of('decisionDays') * of('replicas')) / 1e12,
    'TB',
    '`events` × `fired` × `decisionBytes` × `decisionDays` × `replicas`',
  );
  const commits = 1_000 / of('commitMs');
  line(
    'disk of brokers, journals',
    (partitions * commits * of('journalBytes') * day * of('journalDays') * of('replicas')) / 1e12,
    'TB',
    'partitions × commits × `journalBytes` × `journalDays` × `replicas`',
  );
  line(
    'disk of brokers, markers of transactions',
    (partitions * commits * of('markerBytes') * day * (of('journalDays') + 2 * of('decisionDays')) * of('replicas')) /
      1e12,
    'TB',
    'partitions × commits × `markerBytes` × (`journalDays` + 2 × `decisionDays`) × `replicas`',
  );
  line(
    'cores of brokers',
    ceil(((passed * of('brokerPassedNs') + stored * of('brokerStoredNs')) * of('replicas')) / 1e9 / of('busy')),
    '',
    '(passed × `brokerPassedNs` + stored × `brokerStoredNs`) × `replicas` / `busy`',
  );
  line('transactions', threads * commits, 'a second', 'threads × 1,000 / `commitMs`');
  line(
    'their markers, each in all replicas',
    partitions * commits * of('markersPerTask'),
    'a second',
    'partitions × 1,000 / `commitMs` × `markersPerTask`',
  );

  const perThread = of('users') / threads;
  line(
    'a thread’s state, restored',
    perThread / of('restoredPerThread'),
    's',
    '`users` / threads / `restoredPerThread`',
  );
  line(
    'a worker killed, with a standby',
    of('failoverSeconds'),
    's',
    '`failoverSeconds`, of which 10 s are the session time-out',
  );
  line(
    'a tenth of all users due at once',
    (0.1 * of('users')) / (threads * of('timersPerThread')),
    's',
    '0.1 × `users` / (threads × `timersPerThread`)',
  );

  const hours = 730;
  line('a month: core-hours of workers', cores * hours, '', 'cores × 730 h');
  line(
    'a month: bytes between machines',
    ((incoming +
      (changelog + decisions) * (1 + of('standbys')) +
      (incoming + changelog + decisions) * (of('replicas') - 1)) *
      hours *
      3_600) /
      1e15,
    'PB',
    'the four rows of network × 730 h',
  );
  return lines;
}

/** Three figures are more than the units have. */
function rounded(value: number): string {
  const digits = Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value)))) - 1);
  const step = 10 ** Math.max(0, digits - 1);
  const isSmall = value < 10;
  return isSmall ? String(Number(value.toPrecision(2))) : (Math.round(value / step) * step).toLocaleString('en');
}

if (import.meta.main) writeFileSync(PAGE, withPlan(readFileSync(PAGE, 'utf8')));
