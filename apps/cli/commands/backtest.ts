// `tripline backtest`: what would these rules have decided on these events?

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { backtest as runBacktest } from '../../../services/backtest/backtest.ts';
import { openEventPlaces } from '../../../services/backtest/event-places.ts';
import type { Summary } from '../../../services/backtest/summary.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { boundOption, ENCODING_OPTION, encodingOption, timeOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { projectSettings } from '../settings.ts';

export const backtest = defineCommand({
  name: 'backtest',
  summary: 'Replays events of files or topics through the evaluator and writes what it decides',
  usage:
    '--rules DIR --events FILE|kafka:TOPIC|log:TOPIC… --out DIR [--mapping FILE] [--encoding NAME] [--from TIME] [--to TIME] [--advance-to TIME|end]',
  options: {
    rules: { type: 'string', value: 'DIR', description: 'Rules: a folder or a file' },
    events: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      description:
        'JSON Lines, CSV (also .gz and .zst) or Parquet, by name or pattern; kafka:TOPIC or log:TOPIC, with :PARTITIONS; again and again, merged by event time',
    },
    out: { type: 'string', value: 'DIR', description: 'Gets decisions.jsonl, actions.jsonl and summary.json' },
    mapping: { type: 'string', value: 'FILE', description: 'What the columns of CSV and Parquet files are' },
    encoding: ENCODING_OPTION,
    from: {
      type: 'string',
      value: 'TIME',
      description: 'First event time to replay (ISO-8601); of topics also offset:N or offset:PARTITION=N,…',
    },
    to: { type: 'string', value: 'TIME', description: 'Event time, or offset, to stop before' },
    'advance-to': {
      type: 'string',
      value: 'TIME|end',
      description: 'Where time goes after the last event; `end`: until no timer is pending; default: it stays',
    },
    order: {
      type: 'string',
      value: 'auto|arrival|time',
      description: 'Replay lines of files as they stand, or by event time; auto looks at each file (default)',
    },
    now: { type: 'string', value: 'TIME', description: 'Events stamped later are refused; default: the clock' },
    cache: { type: 'string', value: 'MB', description: 'Memory for entities; more is faster with many; default 64' },
    baseline: { type: 'string', value: 'DIR|live', description: 'Not available in this version' },
    config: {
      type: 'string',
      short: 'c',
      value: 'FILE',
      description: 'Configuration; default: the one near the rules',
    },
    json: { type: 'boolean', description: 'Prints summary.json instead of a table' },
  },
  run: async ({ values }, io) => {
    const { rules: rulesPath, events, out } = values;
    if (rulesPath === undefined || events === undefined || out === undefined) {
      throw usageError('backtest: --rules, --events and --out are needed', 'tripline backtest --help');
    }
    if (values.baseline !== undefined) throw usageError('backtest: --baseline is not available in this version');
    const order = orderOf(values.order);
    const cacheBytes = cacheOf(values.cache);
    const from = boundOption('backtest', 'from', values.from);
    const to = boundOption('backtest', 'to', values.to);
    const advanceTo =
      values['advance-to'] === 'end' ? 'end' : (timeOption('backtest', 'advance-to', values['advance-to']) ?? 'stay');
    const wall = timeOption('backtest', 'now', values.now) ?? systemClock.now();
    const encoding = encodingOption('backtest', values.encoding);
    const { config } = projectSettings({ file: values.config, paths: [rulesPath] }, io);
    const { rules } = loadFlawlessProject({ paths: [rulesPath], folder: io.folder, config, needsTemplates: false });
    const places = await openEventPlaces({
      places: events,
      config,
      clock: systemClock,
      folder: io.folder,
      mapping: values.mapping === undefined ? undefined : resolve(io.folder, values.mapping),
      encoding,
      fromOffset: from.offset,
      toOffset: to.offset,
    });
    const progress = new Progress(io.stderr, systemClock);
    try {
      for (const note of places.notes) io.stderr.write(`${note}\n`);
      const summary = await runBacktest({
        rules,
        sources: places.sources,
        out: resolve(io.folder, out),
        order,
        from: from.time ?? -Infinity,
        to: to.time ?? Infinity,
        advanceTo,
        outOfOrdernessMs: config.outOfOrdernessMs,
        dedupeWindowMs: config.dedupeWindowMs,
        dedupeMax: config.dedupeMax,
        recordBytesMax: config.limits.recordBytes,
        eventTime: config.eventTime,
        maxClockSkewMs: config.maxClockSkewMs,
        wall,
        cacheBytes,
        signal: io.signal,
        onProgress: (advance) => progress.report(advance),
      });
      progress.end();
      if (values.json === true) io.stdout.write(`${JSON.stringify(summary)}\n`);
      else print(summary, out, io);
      if (summary.stopped) io.stderr.write('backtest: stopped early; what was written is of a part of the events\n');
      if (nothingRead(summary)) io.stderr.write(`backtest: nothing could be read of ${events.join(', ')}\n`);
      return summary.stopped || nothingRead(summary) ? 1 : 0;
    } finally {
      progress.end();
      await places.close();
    }
  },
});

/** Lines there were, and not one of them was an event: most likely the wrong file, or a wrong mapping. */
function nothingRead({ input }: Summary): boolean {
  return input.lines > 0 && refusedOf(input) === input.lines;
}

function refusedOf(input: Summary['input']): number {
  return Object.values(input.deadLetters).reduce((sum, count) => sum + count, 0);
}

function orderOf(text: string | undefined): 'auto' | 'arrival' | 'time' {
  if (text === undefined || text === 'auto' || text === 'arrival' || text === 'time') return text ?? 'auto';
  throw usageError(`backtest: --order ${text} is none of auto, arrival, time`);
}

function cacheOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const megabytes = Number(text);
  if (Number.isInteger(megabytes) && megabytes > 0) return megabytes * 1024 * 1024;
  throw usageError(`backtest: --cache ${text} is not a number of megabytes`);
}

function print(summary: Summary, out: string, io: Io): void {
  const { input, rules } = summary;
  const width = Math.max(4, ...Object.keys(rules).map((id) => id.length));
  io.stdout.write(`${'rule'.padEnd(width)}  ${'fired'.padStart(8)}  ${'suppressed'.padStart(10)}  why\n`);
  for (const [id, { fired, suppressed }] of Object.entries(rules)) {
    const reasons = Object.entries(suppressed).map(([reason, count]) => `${reason} ${count}`);
    const total = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
    const counts = `${String(fired).padStart(8)}  ${String(total).padStart(10)}`;
    io.stdout.write(`${id.padEnd(width)}  ${counts}  ${reasons.join(', ')}`.trimEnd());
    io.stdout.write('\n');
  }
  for (const [id, { failures }] of Object.entries(rules)) {
    for (const { expression, times, reason } of failures) {
      io.stdout.write(`  ${id}: failed ${times} times, and counted as false: ${expression}  (first: ${reason})\n`);
    }
  }
  const refused = refusedOf(input);
  io.stdout.write(
    `\n${input.lines} lines: ${refused} refused, ${input.duplicates} duplicates, ${input.late} late,\n` +
      `${input.unasked} that no rule asks for, ${input.outsidePeriod} outside the period\n`,
  );
  if (input.order === 'time') io.stdout.write('what is not in order of arrival was replayed by event time\n');
  for (const { source, line, offset, reason, message } of input.deadLetterExamples.slice(0, 5)) {
    const place = line === undefined ? `offset ${offset}` : `line ${line}`;
    io.stdout.write(`  ${source === undefined ? '' : `${source}, `}${place}: ${reason} ${message}\n`);
  }
  if (refused > 5) io.stdout.write(`  … all ${refused} in dead-letters.jsonl\n`);
  printMissing(summary, io);
  io.stdout.write(`backtest: ${summary.fired} fired, ${summary.suppressed} suppressed; see ${out}\n`);
}

function printMissing({ input, rules }: Summary, io: Io): void {
  for (const { source, why, first, since } of input.missing) {
    if (why !== 'retention') continue;
    const from = since === null ? '' : `, ${since}`;
    io.stdout.write(`${source} begins at offset ${first}${from}: what was before is deleted\n`);
  }
  for (const [id, { completeFrom }] of Object.entries(rules)) {
    if (completeFrom === null) continue;
    const words = completeFrom === 'unknown' ? 'looks back without bound, and may lack what was before' : completeFrom;
    io.stdout.write(`  ${id}: ${completeFrom === 'unknown' ? words : `complete from ${words}`}\n`);
  }
}
