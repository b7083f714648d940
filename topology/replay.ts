// The job without a log: one task, fed by hand, time as the caller says. Backtests and the rules' inline tests run on it.
//
// Owns: driving a Task of the production topology. Does not own: where records come from and in which order, what becomes of
// outputs.
//
// Invariants:
//   R1. The task, its processors and its steps are those of a live run (I1); only the choice of steps is the caller's.
//   R2. Several inputs are one sequence: the caller has merged them by event time, so that the time of one is the time of all.
//   R3. Memory does not grow with what is fed.

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
import type { SourceSpec } from './engine/builder.ts';
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

/** Records of one place, such as a partition. Inputs of one topic have the same format. */
export interface ReplayInput extends Omit<SourceFormat, 'topic' | 'keyed'> {
  /** Left out: `events`. */
  readonly topic?: string;
  /** Left out: 0. */
  readonly partition?: number;
  /** Left out: it is not. */
  readonly keyed?: boolean;
}

export interface ReplayOptions {
  readonly rules: RuleSet;
  /** At least one. */
  readonly inputs: readonly ReplayInput[];
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
  /** Whether consent and answers of people and of models come in beside the events (feedFact): in tests. */
  readonly withFacts?: boolean;
  readonly outputs: ReplayOutputs;
}

/**
 * Small enough that a million users with a timer each stay within 512 MB; with ten rules and 50,000 active users, four times
 * as much is twice as fast (benchmarks/README.md). All of it may be dirty: nothing here has to be on disk earlier.
 */
const CACHE_BYTES = 64 * 1024 * 1024;
/** Runs between two times at which the task lets go of the steps that it has noted, some 60 bytes each (R3). */
const RUNS_MAX = 100_000;
/** The largest time a Date can hold: all timers are due before it. */
export const END_OF_TIME = 8.64e15;

const APPLICATION = 'replay';
const FILE_TOPIC = 'events';

export class Replay {
  readonly counters = new Counters();
  readonly #task: Task;
  readonly #dirtyBytesMax: number;
  /** By input. */
  readonly #prepare: readonly SourceSpec['prepare'][];
  /** Places among the inputs. */
  readonly #facts: ReadonlyMap<FactKind, number>;
  #rules: RuleSet;
  #runs = 0;

  private constructor(options: ReplayOptions) {
    this.#rules = options.rules;
    const job = {
      application: APPLICATION,
      prefix: DEFAULT_PREFIX,
      readsFacts: options.withFacts === true,
      asksModels: options.withFacts === true,
    };
    const cacheBytes = options.cacheBytes ?? CACHE_BYTES;
    const topology = triplineTopology({
      ...options,
      ...job,
      sources: sourcesOf(options.inputs),
      singlePartition: true,
      rules: () => this.#rules,
      channels: [],
      useRecordTime: true,
      hasWallTime: false,
      cacheBytes,
    });
    const part = topology.subTopologies()[0]!;
    // Half of the room is for what is being written back.
    this.#dirtyBytesMax = cacheBytes / 2;
    const outputs = options.outputs as Readonly<Record<string, ((value: unknown) => void) | undefined>>;
    const events = options.inputs.map(({ topic = FILE_TOPIC, partition = 0 }) => {
      return { topic, partition, upstream: null, isMerged: true };
    });
    const facts = factsTopics(job);
    this.#facts = new Map(facts.map(([kind], place) => [kind, events.length + place]));
    this.#prepare = events.map(({ topic }) => part.sources.find((source) => source.topic === topic)!.prepare);
    this.#task = loneTask({
      id: 'replay',
      partition: 0,
      part,
      // What is known beside the events holds no time back.
      inputs: [...events, ...facts.map(([, topic]) => ({ topic, partition: 0, upstream: [] }))],
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

  /** Processes records of one input in this order; left out: of the first. */
  async feed(records: readonly LogRecord[], input = 0): Promise<void> {
    const prepare = this.#prepare[input];
    for (const record of records) {
      for (let wait = prepare?.(record); wait; wait = prepare?.(record)) await wait;
      if (this.#task.read(input, record)) await this.#task.settle();
    }
    if (this.#task.dirtyBytes < this.#dirtyBytesMax && ++this.#runs < RUNS_MAX) return;
    this.#runs = 0;
    await this.#task.commitAlone();
  }

  /** Processes a record of what is known beside the events (`withFacts`): consent, answers of people and of models. */
  async feedFact(kind: FactKind, record: LogRecord): Promise<void> {
    if (this.#task.read(this.#facts.get(kind)!, record)) await this.#task.settle();
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

/** One source a topic. */
function sourcesOf(inputs: readonly ReplayInput[]): readonly SourceFormat[] {
  const sources = new Map<string, SourceFormat>();
  for (const { partition: _, topic = FILE_TOPIC, keyed = false, ...format } of inputs) {
    if (!sources.has(topic)) sources.set(topic, { ...format, topic, keyed });
  }
  return [...sources.values()];
}
