// The job without a log: one task, fed by hand, time as the caller says. Backtests and the rules' inline tests run on it.
//
// Owns: driving a Task of the production topology. Does not own: where records come from, what becomes of outputs.
//
// Invariants:
//   R1. The task, its processors and its steps are those of a live run (I1); only the choice of steps is the caller's.

import { Counters } from '../lib/counters.ts';
import type { EvaluationTrace, FailedExpression } from '../processors/decide/trace.ts';
import type { EventTimeBounds } from '../processors/intake/event-time.ts';
import type { FactKind } from '../processors/intake/known-facts.ts';
import type { SourceFormat } from '../processors/intake/source-format.ts';
import type { RuleSet } from '../rules/project/rule-set.ts';
import type { Action } from '../schemas/action.ts';
import type { DeadLetter } from '../schemas/dead-letter.ts';
import type { Decision } from '../schemas/decision.ts';
import type { FlowRecord } from '../schemas/flow-record.ts';
import type { Late } from '../schemas/framed.ts';
import type { LogRecord } from '../schemas/record.ts';
import type { KeyValueStore } from '../state/store/api.ts';
import { loneTask } from './engine/lone-task.ts';
import type { Task } from './engine/task.ts';
import { DEFAULT_PREFIX } from './topics.ts';
import { factsTopics, triplineTopology } from './topology.ts';

/** What comes out, in order. */
export interface ReplayOutputs {
  readonly decisions?: (decision: Decision) => void;
  readonly actions?: (action: Action) => void;
  readonly flows?: (record: FlowRecord) => void;
  readonly late?: (late: Late) => void;
  readonly 'dead-letter'?: (deadLetter: DeadLetter) => void;
}

export interface ReplayOptions {
  readonly rules: RuleSet;
  readonly source: Omit<SourceFormat, 'keyed' | 'topic'> & { readonly topic?: string };
  readonly store: KeyValueStore;
  readonly outOfOrdernessMs: number;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  readonly recordBytesMax: number;
  /** Times that no event can have are refused; left out: any is taken. */
  readonly eventTime?: EventTimeBounds | undefined;
  readonly maxClockSkewMs: number;
  /** Wall time, ms: events stamped later than this + maxClockSkew are quarantined. */
  readonly wall: number;
  /** Of decoded documents in memory; beyond it they are read from the store, again and again. */
  readonly cacheBytes?: number | undefined;
  /** Where a rule is being explained. */
  readonly trace?: EvaluationTrace | undefined;
  /** Told of each expression that fails. */
  readonly expressionFailed?: ((failed: FailedExpression) => void) | undefined;
  /** Whether answers of people and of models come in beside the events (feedFacts): in tests. */
  readonly withFacts?: boolean;
  readonly outputs: ReplayOutputs;
}

/**
 * Small enough that a million users with a timer each stay within 512 MB; with ten rules and 50,000 active users, four times
 * as much is twice as fast (benchmarks/README.md). All of it may be dirty: nothing here has to be on disk earlier.
 */
const CACHE_BYTES = 64 * 1024 * 1024;
/** The largest time a Date can hold: all timers are due before it. */
export const END_OF_TIME = 8.64e15;

const APPLICATION = 'replay';
const JOB = { application: APPLICATION, prefix: DEFAULT_PREFIX, readsFacts: true, asksModels: true };
const FACTS_TOPICS: ReadonlyMap<FactKind, string> = new Map(factsTopics(JOB));

export class Replay {
  readonly counters = new Counters();
  readonly #task: Task;
  readonly #dirtyBytesMax: number;
  readonly #topics: readonly string[];
  #rules: RuleSet;

  private constructor(options: ReplayOptions) {
    this.#rules = options.rules;
    const cacheBytes = options.cacheBytes ?? CACHE_BYTES;
    const topology = triplineTopology({
      ...options,
      application: APPLICATION,
      prefix: DEFAULT_PREFIX,
      sources: [{ topic: 'events', ...options.source, keyed: false }],
      singlePartition: true,
      rules: () => this.#rules,
      readsFacts: options.withFacts === true,
      asksModels: options.withFacts === true,
      channels: [],
      useRecordTime: false,
      hasWallTime: false,
      cacheBytes,
    });
    const part = topology.subTopologies()[0]!;
    this.#topics = part.sources.map(({ topic }) => topic);
    // Half of the room is for what is being written back.
    this.#dirtyBytesMax = cacheBytes / 2;
    const outputs = options.outputs as Readonly<Record<string, ((value: unknown) => void) | undefined>>;
    this.#task = loneTask({
      id: 'replay',
      partition: 0,
      part,
      // What is known beside the events holds no time back.
      inputs: this.#topics.map((topic, place) => ({ topic, partition: 0, upstream: place === 0 ? null : [] })),
      outOfOrdernessMs: options.outOfOrdernessMs,
      store: options.store,
      cacheBytes,
      dirtyBytesMax: this.#dirtyBytesMax,
      counters: this.counters,
      emit: (sink, { value }) => outputs[sink.name]?.(value),
    });
  }

  static async open(options: ReplayOptions): Promise<Replay> {
    const replay = new Replay(options);
    if (replay.#task.advanceWall(options.wall)) await replay.#task.settle();
    return replay;
  }

  /** Processes records in this order. */
  async feed(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#task.read(0, record)) await this.#task.settle();
    }
    if (this.#task.dirtyBytes >= this.#dirtyBytesMax) await this.#task.commitAlone();
  }

  /** Processes a record of what is known beside the events (`withFacts`): consent, answers of people and of models. */
  async feedFact(kind: FactKind, record: LogRecord): Promise<void> {
    const input = this.#topics.indexOf(FACTS_TOPICS.get(kind)!);
    if (this.#task.read(input, record)) await this.#task.settle();
  }

  /** From here on these rules hold. */
  useRules(rules: RuleSet): void {
    this.#rules = rules;
  }

  /** Highest event time accepted, ms; -1 before any. */
  get newestTime(): number {
    return this.#task.inputTime;
  }

  /** No event stamped up to `time` is to come: everything due by then happens. */
  async complete(time: number): Promise<void> {
    if (this.#task.complete(time)) await this.#task.settle();
  }

  close(): void {
    this.#task.close();
  }
}
