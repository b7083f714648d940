// `tripline backtest`: what would these rules have decided on these events?

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import type { RulesCheck } from '../../../rules/index.ts';
import { type PassOptions, backtest as runBacktest } from '../../../services/backtest/backtest.ts';
import { openEventPlaces } from '../../../services/backtest/event-places.ts';
import type { Summary } from '../../../services/backtest/summary-schema.ts';
import type { Config } from '../../../services/config/index.ts';
import { OpenContext } from '../../../services/open-context.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { type Bound, breachesOf, parseBounds } from '../../../services/what-if/fail-on.ts';
import { liveRules } from '../../../services/what-if/live-rules.ts';
import { breachInWords, whatIfMarkdown, whatIfText } from '../../../services/what-if/text.ts';
import { whatIf } from '../../../services/what-if/what-if.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { boundOption, ENCODING_OPTION, encodingOption, timeOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { projectSettings } from '../settings.ts';
import { refusedCount, showBacktest } from '../show-backtest.ts';

export const backtest = defineCommand({
  name: 'backtest',
  summary: 'Replays events of files or topics through the evaluator and writes what it decides',
  usage:
    '--rules DIR --events FILE|kafka:TOPIC|log:TOPIC… --out DIR [--mapping FILE] [--encoding NAME] [--from TIME] [--to TIME] [--advance-to TIME|end] [--baseline DIR|live] [--fail-on BOUNDS]',
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
    baseline: {
      type: 'string',
      value: 'DIR|live',
      description: 'Rules to compare with, over the same events: a folder or file, or those in force',
    },
    'fail-on': {
      type: 'string',
      value: 'BOUNDS',
      description: "Exit 1 when one is passed, such as 'reach>+10%,fatigue.p99>3,cart:messages<-50'",
    },
    format: { type: 'string', value: 'text|markdown', description: 'Of a comparison: markdown for a pull request' },
    sample: {
      type: 'string',
      value: 'N',
      description: 'Of a comparison: people who are explained; default 3, 0: none',
    },
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
    const format = formatOf(values.format, values.baseline !== undefined);
    const sample = sampleOf(values.sample, values.baseline !== undefined);
    const order = orderOf(values.order);
    const cacheBytes = cacheOf(values.cache);
    const from = boundOption('backtest', 'from', values.from);
    const to = boundOption('backtest', 'to', values.to);
    const advanceTo =
      values['advance-to'] === 'end' ? 'end' : (timeOption('backtest', 'advance-to', values['advance-to']) ?? 'stay');
    const wall = timeOption('backtest', 'now', values.now) ?? systemClock.now();
    const encoding = encodingOption('backtest', values.encoding);
    const { config } = projectSettings({ file: values.config, paths: [rulesPath] }, io);
    const rulesAt = (path: string): RulesCheck =>
      loadFlawlessProject({ paths: [path], folder: io.folder, config, needsTemplates: false }).rules;
    const rules = rulesAt(rulesPath);
    const baseline =
      values.baseline === undefined
        ? null
        : values.baseline === 'live'
          ? await inForce(config, io)
          : rulesAt(values.baseline);
    const bounds = boundsOf(values['fail-on'], rules, baseline);
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
      const pass: PassOptions = {
        sources: places.sources,
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
      };
      const folder = resolve(io.folder, out);
      const compared = baseline === null ? null : await whatIf({ ...pass, now: rules, baseline, out: folder, sample });
      const summary = compared?.now ?? (await runBacktest(pass, { rules, out: folder }));
      progress.end();
      const breaches = breachesOf(bounds, summary, compared?.baseline ?? null);
      if (values.json === true) io.stdout.write(`${JSON.stringify(compared ?? summary)}\n`);
      else if (compared === null) showBacktest(summary, out, io);
      else io.stdout.write((format === 'markdown' ? whatIfMarkdown : whatIfText)(compared, breaches));
      const isShown = compared !== null && values.json !== true;
      for (const breach of isShown ? [] : breaches) io.stderr.write(`backtest: ${breachInWords(breach)}\n`);
      if (summary.stopped) io.stderr.write('backtest: stopped early; what was written is of a part of the events\n');
      if (nothingRead(summary)) io.stderr.write(`backtest: nothing could be read of ${events.join(', ')}\n`);
      return summary.stopped || nothingRead(summary) || breaches.length > 0 ? 1 : 0;
    } finally {
      progress.end();
      await places.close();
    }
  },
});

/** Lines there were, and not one of them was an event: most likely the wrong file, or a wrong mapping. */
function nothingRead({ input }: Summary): boolean {
  return input.lines > 0 && refusedCount(input) === input.lines;
}

async function inForce(config: Config, io: Io): Promise<RulesCheck> {
  const context = new OpenContext({ config, clock: systemClock, folder: io.folder });
  try {
    return await liveRules(context);
  } finally {
    await context.close();
  }
}

function boundsOf(text: string | undefined, rules: RulesCheck, baseline: RulesCheck | null): readonly Bound[] {
  if (text === undefined) return [];
  const ids = new Set([...rules.rules, ...(baseline?.rules ?? [])].map(({ id }) => id));
  return parseBounds(text, [...ids], baseline !== null);
}

function formatOf(text: string | undefined, hasBaseline: boolean): 'text' | 'markdown' {
  if (text === undefined) return 'text';
  if (text !== 'text' && text !== 'markdown') throw usageError(`backtest: --format ${text} is none of text, markdown`);
  if (!hasBaseline) throw usageError('backtest: --format is of a comparison', 'give one: --baseline DIR');
  return text;
}

/** More would be read by nobody, and each is replayed once more. */
const SAMPLE_MAX = 20;

function sampleOf(text: string | undefined, hasBaseline: boolean): number {
  if (text === undefined) return 3;
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > SAMPLE_MAX) {
    throw usageError(`backtest: --sample ${text} is not a number from 0 to ${SAMPLE_MAX}`);
  }
  if (!hasBaseline) throw usageError('backtest: --sample is of a comparison', 'give one: --baseline DIR');
  return count;
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
