// `tripline backtest`: what would these rules have decided on these events?

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { backtest as runBacktest } from '../../../services/backtest/backtest.ts';
import { flowWords, type Summary } from '../../../services/backtest/summary.ts';
import { otherEntities } from '../../../services/job/source-format.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { ENCODING_OPTION, encodingOption, timeOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { projectSettings } from '../settings.ts';

export const backtest = defineCommand({
  name: 'backtest',
  summary: 'Replays a file of events through the evaluator and writes what it decides',
  usage:
    '--rules DIR --events FILE --out DIR [--mapping FILE] [--encoding NAME] [--from TIME] [--to TIME] [--advance-to TIME|end]',
  options: {
    rules: { type: 'string', value: 'DIR', description: 'Rules: a folder or a file' },
    events: { type: 'string', value: 'FILE', description: 'JSON Lines (.jsonl) or CSV, also .gz and .zst' },
    out: { type: 'string', value: 'DIR', description: 'Gets decisions.jsonl, actions.jsonl and summary.json' },
    mapping: { type: 'string', value: 'FILE', description: 'What the columns of a CSV file are' },
    encoding: ENCODING_OPTION,
    from: { type: 'string', value: 'TIME', description: 'First event time to replay (ISO-8601)' },
    to: { type: 'string', value: 'TIME', description: 'Event time to stop before' },
    'advance-to': {
      type: 'string',
      value: 'TIME|end',
      description: 'Where time goes after the last event; `end`: until no timer is pending; default: it stays',
    },
    order: {
      type: 'string',
      value: 'auto|arrival|time',
      description: 'Replay lines as they stand, or by event time; auto looks at the file (default)',
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
    if (events.startsWith('kafka:')) throw usageError('backtest: kafka: is not available in this version, give a file');
    const encoding = encodingOption('backtest', values.encoding);
    const { config } = projectSettings({ file: values.config, paths: [rulesPath] }, io);
    const { rules } = loadFlawlessProject({ paths: [rulesPath], folder: io.folder, config, needsTemplates: false });
    const progress = new Progress(io.stderr, systemClock);
    const summary = await runBacktest({
      rules: rules.ruleSet,
      others: otherEntities(config, 'segment', 'user'),
      events: resolve(io.folder, events),
      mapping: values.mapping === undefined ? undefined : resolve(io.folder, values.mapping),
      encoding,
      out: resolve(io.folder, out),
      order: orderOf(values.order),
      from: timeOption('backtest', 'from', values.from) ?? -Infinity,
      to: timeOption('backtest', 'to', values.to) ?? Infinity,
      advanceTo:
        values['advance-to'] === 'end' ? 'end' : (timeOption('backtest', 'advance-to', values['advance-to']) ?? 'stay'),
      outOfOrdernessMs: config.outOfOrdernessMs,
      dedupeWindowMs: config.dedupeWindowMs,
      dedupeMax: config.dedupeMax,
      recordBytesMax: config.limits.recordBytes,
      eventTime: config.eventTime,
      maxClockSkewMs: config.maxClockSkewMs,
      wall: timeOption('backtest', 'now', values.now) ?? systemClock.now(),
      cacheBytes: cacheOf(values.cache),
      onProgress: (advance) => progress.report(advance),
    }).finally(() => progress.end());
    if (values.json === true) io.stdout.write(`${JSON.stringify(summary)}\n`);
    else print(summary, out, io);
    if (!nothingRead(summary)) return 0;
    io.stderr.write(`backtest: nothing could be read of ${events}\n`);
    return 1;
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
  for (const [id, { fired, suppressed, digests }] of Object.entries(rules)) {
    const reasons = Object.entries(suppressed).map(([reason, count]) => `${reason} ${count}`);
    const total = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
    const counts = `${String(fired).padStart(8)}  ${String(total).padStart(10)}`;
    if (digests > 0) reasons.push(`digests sent: ${digests}`);
    io.stdout.write(`${id.padEnd(width)}  ${counts}  ${reasons.join(', ')}`.trimEnd());
    io.stdout.write('\n');
  }
  for (const [id, { flows }] of Object.entries(rules)) {
    if (flows === undefined || flows.entered + flows.goals === 0) continue;
    io.stdout.write(`  ${id}: ${flowWords(flows)}\n`);
  }
  for (const [id, { failures }] of Object.entries(rules)) {
    for (const { expression, times, reason } of failures) {
      io.stdout.write(
        `  ${id}: failed ${times} times, and counted as false or as no value: ${expression}  (first: ${reason})\n`,
      );
    }
  }
  const refused = refusedOf(input);
  io.stdout.write(
    `\n${input.lines} lines: ${refused} refused, ${input.duplicates} duplicates, ${input.late} late,\n` +
      `${input.unasked} that no rule asks for, ${input.outsidePeriod} outside the period\n`,
  );
  if (input.order === 'time') io.stdout.write('the file is not in order of arrival: it was replayed by event time\n');
  for (const { line, reason, message } of input.deadLetterExamples.slice(0, 5)) {
    io.stdout.write(`  line ${line}: ${reason} ${message}\n`);
  }
  if (refused > 5) io.stdout.write(`  … all ${refused} in dead-letters.jsonl\n`);
  io.stdout.write(`backtest: ${summary.fired} fired, ${summary.suppressed} suppressed; see ${out}\n`);
}
