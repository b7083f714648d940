// Replays events through the production evaluator and writes what it would have decided.
//
// Owns: the run. Does not own: where events come from (event-places.ts) and in which order (input.ts), the files (output.ts).
//
// Invariants:
//   B1. The same input, rules and options give the same bytes.
//   B2. Memory does not grow with the number of events, entities or decisions.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, FatalError } from '../../lib/errors.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { partitionKey } from '../../topology/engine/ports.ts';
import { END_OF_TIME, Replay, type ReplayOptions } from '../../topology/replay.ts';
import { BacktestInput, type InputOrder, type InputProgress } from './input.ts';
import { Output } from './output.ts';
import type { ReplaySource } from './replay-source.ts';
import { SummaryBuilder } from './summary.ts';
import type { MissingSummary, RefusedExample, Summary } from './summary-schema.ts';

/** What is replayed, and how. */
export interface PassOptions
  extends Omit<ReplayOptions, 'rules' | 'inputs' | 'store' | 'outputs' | 'expressionFailed'> {
  /** At least one; merged by event time. */
  readonly sources: readonly ReplaySource[];
  readonly order: InputOrder | 'auto';
  /** Event times to replay: from (inclusive) to (exclusive), ms; infinite: all. */
  readonly from: number;
  readonly to: number;
  /** Where stream time goes at the end of input: stays at the last event, to a time in ms, or to the end of all timers. */
  readonly advanceTo: 'stay' | 'end' | number;
  /** Told how far it is, some thousand times. */
  readonly onProgress?: (progress: BacktestProgress) => void;
  /** Once it aborts, what was replayed until then is written, and says so. */
  readonly signal?: AbortSignal;
}

/** Rules that decide, and where their files go. */
export interface SideOptions {
  readonly rules: Pick<RulesCheck, 'ruleSet' | 'bodies'>;
  readonly out: string;
  /** Told of what they decide, as it comes. */
  readonly decision?: (decision: Decision) => void;
  readonly action?: (action: Action) => void;
  readonly flow?: (record: FlowRecord) => void;
}

export interface BacktestProgress extends InputProgress {
  /** Highest event time replayed, ms; -1: none yet. */
  readonly eventTime: number;
}

/** What the file system says when a folder is no folder, or full, or not ours. */
const UNWRITABLE = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EEXIST', 'ENOTDIR']);

/** Throws FatalError TRG_FILE_UNREADABLE, TRG_LOG_FULL when an out folder cannot be written, and what the sources throw. */
export async function backtest(options: PassOptions, side: SideOptions): Promise<Summary> {
  const [summary] = await backtestSides(options, [side]);
  return summary!;
}

/** Several sets of rules over one reading of the events, which come to all of them in one order. As backtest(). */
export async function backtestSides(options: PassOptions, sides: readonly SideOptions[]): Promise<readonly Summary[]> {
  const work = mkdtempSync(join(tmpdir(), 'tripline-backtest-'));
  const open: Side[] = [];
  try {
    for (const [place, side] of sides.entries()) open.push(await Side.open(options, side, join(work, String(place))));
    return await replayed(options, open);
  } catch (error) {
    throw asUnwritable(error, sides.map(({ out }) => out).join(', '));
  } finally {
    for (const side of open) await side.close();
    rmSync(work, { recursive: true, force: true });
  }
}

async function replayed(options: PassOptions, sides: readonly Side[]): Promise<readonly Summary[]> {
  const { sources, onProgress, signal } = options;
  const refusals = new Refusals(sources);
  const input = new BacktestInput({
    ...options,
    onProgress: (progress) => onProgress?.({ ...progress, eventTime: sides[0]!.replay.newestTime }),
  });
  let lines = 0;
  for await (const { runs, refused } of input.batches()) {
    for (const { input: place, line, error } of refused) {
      const refusal = refusals.of(sources[place]!, line, error.code, error.message);
      for (const { out } of sides) out.refuse(refusal);
    }
    for (const { input: place, records } of runs) {
      for (const { replay } of sides) await replay.feed(records, place);
      lines += records.length;
    }
    for (const { out } of sides) await out.flush();
    lines += refused.length;
    if (signal?.aborted === true) break;
  }
  return Promise.all(sides.map((side) => side.finish(options, input, lines)));
}

/** One set of rules at work. */
class Side {
  readonly replay: Replay;
  readonly out: Output;
  readonly #store: LevelStore;

  private constructor(replay: Replay, out: Output, store: LevelStore) {
    this.replay = replay;
    this.out = out;
    this.#store = store;
  }

  /** `work`: a folder of its own. */
  static async open(options: PassOptions, side: SideOptions, work: string): Promise<Side> {
    mkdirSync(work);
    const refusals = new Refusals(options.sources);
    const out = new Output(side.out, work, new SummaryBuilder(side.rules));
    const store = await LevelStore.open(join(work, 'state'));
    const replay = await Replay.open({
      ...options,
      rules: side.rules.ruleSet,
      inputs: options.sources.map(({ input }) => input),
      store,
      expressionFailed: (failed) => out.expressionFailed(failed),
      outputs: {
        decisions(decision) {
          out.decision(decision);
          side.decision?.(decision);
        },
        actions(action) {
          out.action(action);
          side.action?.(action);
        },
        flows(record) {
          out.flow(record);
          side.flow?.(record);
        },
        late: (late) => out.late(late),
        'dead-letter': (letter) => out.refuse(refusals.ofLetter(letter)),
      },
    });
    return new Side(replay, out, store);
  }

  async finish(options: PassOptions, input: BacktestInput, lines: number): Promise<Summary> {
    const { replay, out } = this;
    const isStopped = options.signal?.aborted === true;
    const last = replay.newestTime;
    // Of what was not read nothing is known, so time stays where it is.
    const end = endOf(isStopped ? 'stay' : options.advanceTo, last);
    await replay.complete(end);
    const advancedTo = end >= END_OF_TIME || end < 0 ? null : isoOf(end);
    return out.finish((summary, people) =>
      summary.finish(
        replay.counters,
        {
          lines: lines + input.skipped,
          missing: options.sources.flatMap(missingOf),
          order: input.order,
          outsidePeriod: input.skipped,
          ...out.refusals(),
          late: out.lateCount,
          lastEvent: last < 0 ? null : isoOf(last),
        },
        { isStopped, advancedTo, wholeSince: wholeSince(options), people },
      ),
    );
  }

  async close(): Promise<void> {
    this.replay.close();
    this.out.abandon();
    await this.#store.close();
  }
}

/** Where a record that cannot be used is from: the line of a file, the offset of a partition. */
class Refusals {
  readonly #isOneFile: boolean;
  readonly #sources: ReadonlyMap<string, ReplaySource>;

  constructor(sources: readonly ReplaySource[]) {
    this.#isOneFile = sources.length === 1 && sources[0]!.kind === 'file';
    this.#sources = new Map(
      sources.map((source) => {
        const { topic = 'events', partition = 0 } = source.input;
        return [partitionKey({ topic, partition }), source];
      }),
    );
  }

  ofLetter(letter: DeadLetter): RefusedExample {
    const source = this.#sources.get(partitionKey(letter))!;
    return this.of(source, source.placeOf(letter.offset), letter.reason, letter.message);
  }

  of({ name, kind }: ReplaySource, place: number, reason: string, message: string): RefusedExample {
    const where = kind === 'file' ? { line: place } : { offset: place };
    return { ...(!this.#isOneFile && { source: name }), ...where, reason, message };
  }
}

/** From when on all is there, ms; null: nothing is known to be missing. */
function wholeSince({ sources, from }: PassOptions): number | null {
  const begun = sources.flatMap(({ missing }) => (missing === null || missing.since === null ? [] : [missing.since]));
  if (from !== -Infinity) begun.push(from);
  return begun.length === 0 ? null : Math.max(...begun);
}

function missingOf({ name, missing }: ReplaySource): MissingSummary[] {
  if (missing === null) return [];
  const { why, first, since } = missing;
  return [{ source: name, why, first, since: since === null ? null : isoOf(since) }];
}

export function endOf(advanceTo: PassOptions['advanceTo'], last: number): number {
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
