// What a processor is and what it may ask of the runtime. Kafka Streams' model and words.
//
// Owns: interfaces only. topology/engine/ implements ProcessorContext.
//
// Invariants:
//   C1. process, due and the `then` of run are synchronous and never overlap: one task does one thing at a time.
//   C2. A processor writes through forward and its stores only; both become visible in the task's next commit, or not
//       at all.

import type { LogRecord, RecordHeader } from '../schemas/record.ts';
import type { DocumentStore } from './store/api.ts';

/** What flows between processors. `timestamp` is event time in ms; `key` is the entity id. */
export interface Message<Value> {
  readonly key: string;
  readonly value: Value;
  readonly timestamp: number;
  readonly headers: readonly RecordHeader[];
}

/** What a source hands to its first processor: the record and where it was read. */
export interface SourceRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
}

/** What was measured, as part of the trace of the event that led to it. */
export interface MeasuredTrace {
  readonly name: string;
  /** Traceparent of the event. */
  readonly parent: string;
  /** Traceparent of what was measured, which goes on with what follows from it. */
  readonly own: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ProcessorContext {
  /** `${subTopology}_${partition}`, such as `evaluate_0`. */
  readonly taskId: string;
  readonly partition: number;
  /** The task's stream time in ms (docs/design.md, Time 2): no event up to and including it is still expected. */
  streamTime(): number;
  /** How far the task's inputs have come, ms, before outOfOrderness is taken off: what watermarks tell. */
  inputTime(): number;
  /** Wall time in ms as the task's journal has it: constant between two of its advances, the same in a replay. */
  wallTime(): number;
  /** Tells at which event time the record being processed stands: what moves the stream time of this input. */
  observeTime(timeMs: number): void;
  /** The same for a record that says how far another task's input has come (processors/intake/repartition.ts). */
  observeWatermark(upstream: string, timeMs: number): void;
  /** Hands the message to the child whose name has `to` as its first word, or to all children. */
  forward(message: Message<unknown>, to?: string): void;
  store<Doc>(name: string): DocumentStore<Doc>;
  /** Adds one to a counter; labels are few and never user data. */
  count(metric: string, labels?: Readonly<Record<string, string>>): void;
  /**
   * Has the time from `sinceMs`, an event time or deadline, until this is committed recorded as `metric`. It changes no
   * output; labels are few and never user data. `trace`: to be shown as a span as well.
   */
  measure(metric: string, sinceMs: number, labels?: Readonly<Record<string, string>>, trace?: MeasuredTrace): void;
  /**
   * Starts I/O beside the task; `then` runs inside the task (C1) once it is done. What `work` throws or rejects with ends
   * nothing: `failed` makes a result of it. Its signal aborts when the task closes, and `then` is then not called.
   */
  run<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    then: (result: Result) => void,
    failed: (error: unknown) => Result,
  ): void;
}

export interface Processor<Value = unknown> {
  init?(context: ProcessorContext): void;
  process(message: Message<Value>): void;
  /** A document of the store this processor owns has come due: its `dueAt` is `at`, which its clock has passed. */
  due?(key: string, at: number): void;
  /** True while it can take no more records; the runtime then reads nothing for the task until `run` work ends. */
  busy?(): boolean;
  /** The worker is stopping: `run` work that is under way is awaited, and no more may be started. */
  stop?(): void;
  /** Called before each commit; may forward. */
  beforeCommit?(): void;
  close?(): void;
}
