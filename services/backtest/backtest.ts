// Replays a file of events through the production evaluator and writes what it would have decided.
//
// Owns: the run and its files in the out folder: decisions.jsonl (by event time, entity, rule), actions.jsonl (the same),
// flows.jsonl (the same, then by flow and order), summary.json, report.html, and, if there is anything in them, dead-letters.jsonl and
// late.jsonl.
//
// Invariants:
//   B1. The same input, rules and options give the same bytes.
//   B2. Memory does not grow with the number of events, entities or decisions.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, FatalError } from '../../lib/errors.ts';
import { ExternalSort } from '../../lib/external-sort.ts';
import type { TextEncoding } from '../../lib/text-encoding.ts';
import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { actionJson } from '../../schemas/action.ts';
import { decisionJson } from '../../schemas/decision.ts';
import { flowRecordJson } from '../../schemas/flow-record.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { END_OF_TIME, Replay, type ReplayOptions } from '../../topology/replay.ts';
import { BacktestInput, type InputOrder, type InputProgress, lineOf } from './input.ts';
import { LineFile } from './line-file.ts';
import { reportHtml } from './report.ts';
import { flowSortKey, sortKey } from './sort-key.ts';
import { type RefusedExample, type Summary, SummaryBuilder } from './summary.ts';

export interface BacktestOptions extends Omit<ReplayOptions, 'source' | 'store' | 'outputs' | 'expressionFailed'> {
  readonly events: string;
  /** Entities beside the user that an event may concern, with the path of each one's id. */
  readonly others?: ReplayOptions['source']['others'];
  readonly mapping?: string | undefined;
  /** Encoding of the file, over what it or its mapping says. */
  readonly encoding?: TextEncoding | undefined;
  readonly out: string;
  readonly order: InputOrder | 'auto';
  /** Event times to replay: from (inclusive) to (exclusive), ms; infinite: all. */
  readonly from: number;
  readonly to: number;
  /** Where stream time goes at the end of input: stays at the last event, to a time in ms, or to the end of all timers. */
  readonly advanceTo: 'stay' | 'end' | number;
  /** Told how far it is, some thousand times. */
  readonly onProgress?: (progress: InputProgress) => void;
}

/** What an earlier run may have left in the out folder. */
const OUTPUTS = [
  'decisions.jsonl',
  'actions.jsonl',
  'flows.jsonl',
  'summary.json',
  'report.html',
  'dead-letters.jsonl',
  'late.jsonl',
];
/** What the file system says when a folder is no folder, or full, or not ours. */
const UNWRITABLE = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EEXIST', 'ENOTDIR']);
const EXAMPLES_MAX = 20;

/** Throws FatalError TRG_FILE_UNREADABLE, TRG_LOG_FULL when the out folder cannot be written, and the mapping's errors. */
export async function backtest(options: BacktestOptions): Promise<Summary> {
  const work = mkdtempSync(join(tmpdir(), 'tripline-backtest-'));
  try {
    const out = new Output(options.out, work, options.rules);
    const store = await LevelStore.open(join(work, 'state'));
    try {
      return await replayFile(options, store, out);
    } finally {
      out.abandon();
      await store.close();
    }
  } catch (error) {
    throw asUnwritable(error, options.out);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function replayFile(options: BacktestOptions, store: KeyValueStore, out: Output): Promise<Summary> {
  const replay = await Replay.open({
    ...options,
    source: { format: 'segment', entity: 'user', others: options.others ?? [] },
    store,
    expressionFailed: (failed) => out.expressionFailed(failed),
    outputs: {
      decisions: (decision) => out.decision(decision),
      actions: (action) => out.action(action),
      flows: (record) => out.flow(record),
      late: (late) => out.late(late),
      'dead-letter': ({ offset, reason, message }) => out.refuse({ line: lineOf(offset), reason, message }),
    },
  });
  const input = new BacktestInput({ ...options, file: options.events });
  let lines = 0;
  for await (const { records, refused } of input.batches()) {
    for (const { line, error } of refused) out.refuse({ line, reason: error.code, message: error.message });
    await replay.feed(records);
    await out.flush();
    lines += records.length + refused.length;
  }
  const last = replay.newestTime;
  const end = endOf(options.advanceTo, last);
  await replay.complete(end);
  replay.close();
  const advancedTo = end >= END_OF_TIME || end < 0 ? null : isoOf(end);
  return await out.finish((summary) =>
    summary.finish(
      replay.counters,
      {
        lines: lines + input.skipped,
        order: input.order,
        outsidePeriod: input.skipped,
        ...out.refusals(),
        late: out.lateCount,
        lastEvent: last < 0 ? null : isoOf(last),
      },
      advancedTo,
    ),
  );
}

function endOf(advanceTo: BacktestOptions['advanceTo'], last: number): number {
  if (advanceTo === 'end') return END_OF_TIME;
  return advanceTo === 'stay' ? last : Math.max(advanceTo, last);
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

function asUnwritable(error: unknown, out: string): unknown {
  const { code } = error as { code?: string };
  if (code === undefined || !UNWRITABLE.has(code)) return error;
  return new FatalError('TRG_LOG_FULL', `${out} cannot be written: ${describeError(error)}`, { folder: out }, error);
}

class Output {
  readonly #folder: string;
  readonly #summary: SummaryBuilder;
  readonly #decisions: ExternalSort;
  readonly #actions: ExternalSort;
  readonly #flows: ExternalSort;
  readonly #files = new Map<string, LineFile>();
  readonly #examples: RefusedExample[] = [];
  readonly #refused: Record<string, number> = {};
  lateCount = 0;

  constructor(folder: string, work: string, rules: RuleSet) {
    mkdirSync(folder, { recursive: true });
    for (const name of OUTPUTS) rmSync(join(folder, name), { force: true });
    this.#folder = folder;
    this.#summary = new SummaryBuilder(rules);
    this.#decisions = new ExternalSort({ folder: work });
    this.#actions = new ExternalSort({ folder: work });
    this.#flows = new ExternalSort({ folder: work });
  }

  decision(decision: Parameters<SummaryBuilder['decision']>[0]): void {
    this.#summary.decision(decision);
    this.#decisions.add(sortKey(decision), JSON.stringify(decisionJson(decision)));
  }

  action(action: Parameters<SummaryBuilder['action']>[0]): void {
    this.#summary.action(action);
    this.#actions.add(sortKey(action), JSON.stringify(actionJson(action)));
  }

  flow(record: Parameters<SummaryBuilder['flow']>[0]): void {
    this.#summary.flow(record);
    this.#flows.add(flowSortKey(record), JSON.stringify(flowRecordJson(record)));
  }

  late({
    entity,
    messageId,
    event,
    timestamp,
    evaluatedTo,
    rules,
  }: {
    entity: string;
    messageId: string;
    event: string;
    timestamp: number;
    evaluatedTo: number;
    rules: readonly string[];
  }): void {
    this.lateCount++;
    const line = { entity, messageId, event, timestamp: isoOf(timestamp), evaluatedTo: isoOf(evaluatedTo), rules };
    this.#file('late.jsonl').add(JSON.stringify(line));
  }

  expressionFailed(failed: FailedExpression): void {
    this.#summary.expressionFailed(failed);
  }

  refuse(refused: RefusedExample): void {
    this.#refused[refused.reason] = (this.#refused[refused.reason] ?? 0) + 1;
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(refused);
    this.#file('dead-letters.jsonl').add(JSON.stringify(refused));
  }

  refusals() {
    return { deadLetters: this.#refused, deadLetterExamples: this.#examples };
  }

  async flush(): Promise<void> {
    for (const file of this.#files.values()) await file.flush();
  }

  async finish(summarise: (builder: SummaryBuilder) => Summary): Promise<Summary> {
    await this.#write('decisions.jsonl', this.#decisions);
    await this.#write('actions.jsonl', this.#actions);
    await this.#write('flows.jsonl', this.#flows);
    for (const file of this.#files.values()) await file.close();
    const summary = summarise(this.#summary);
    writeFileSync(join(this.#folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    writeFileSync(join(this.#folder, 'report.html'), reportHtml(summary));
    return summary;
  }

  abandon(): void {
    this.#decisions.close();
    this.#actions.close();
    this.#flows.close();
  }

  async #write(name: string, sort: ExternalSort): Promise<void> {
    const file = new LineFile(join(this.#folder, name));
    let lines = 0;
    for (const line of sort.sorted()) {
      file.add(line);
      if (++lines % 1_000 === 0) await file.flush();
    }
    await file.close();
  }

  #file(name: string): LineFile {
    let file = this.#files.get(name);
    if (file === undefined) this.#files.set(name, (file = new LineFile(join(this.#folder, name))));
    return file;
  }
}
