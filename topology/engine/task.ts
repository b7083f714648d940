// A task: one partition of one sub-topology. The deterministic core: what goes in is steps, what comes out is outputs.
//
// Owns: applying steps, stream time, calling processors, due documents, gathering what the next commit writes.
// Does not own: choosing the steps (task-queue.ts and engine.ts live, journal-walk.ts from a journal), the log,
// committing (committer.ts). Long, as all that may stand between two steps is to be seen in one place (X1).
//
// Invariants:
//   X1. Outputs depend on the steps alone: their order and values, not on batches, commits or clocks (I1).
//   X2. After each step every document due by then has been handed to its processor, in order of (due, key).
//   X3. A change of rules takes effect between two steps, and is a step: what is left of the step before, also after a
//       crash, is done by the rules of then.
//   X4. A record whose processing fails by a bug is a dead letter, and leaves nothing else: no output, no change of a document.
//       A deadline that does is passed over. The first of a process costs a restart from the last commit, and so does each one of a
//       connector, whose steps cannot be taken back (caution.ts).
//
// Edge `decode`: a record of a source is read: decoded, checked, made an event of its entity.
//   throws: dead letter with its code, also one that fails by a bug (`evaluate`)
//   rejects: cannot: decoding is synchronous
//   hangs: cannot: decoding is synchronous, in time that grows with the bytes, which are bounded
//   too large: dead letter TRG_RECORD_TOO_LARGE (`limits.recordBytes`), without its value where that is more than the log takes
//   behind: schemas/, processors/intake/
//   only in topology/engine/task.ts: #graph.process(
//
// Edge `evaluate`: rules are shown an event, and decide.
//   throws: by a bug: the step is taken back: no output, no change of a document. Dead letter TRG_INTERNAL, the stack in the log once
//     a minute. The first of a process costs a restart of the engine from its last commit
//   rejects: cannot: evaluation is synchronous
//   hangs: cannot: evaluation is synchronous; what an expression may do is counted (`expression`)
//   too large: an output that the log does not take: the step is taken back, dead letter TRG_RECORD_TOO_LARGE
//   only in topology/engine/task.ts: #graph.process(
//
// Edge `deadline`: an entity's time has come, and its rules are told.
//   throws: by a bug: taken back and passed over until the entity is changed or the worker starts again; `deadline-failed`
//   rejects: cannot: evaluation is synchronous
//   hangs: cannot: evaluation is synchronous; what an expression may do is counted (`expression`)
//   too large: as a throw
//   only in topology/engine/task.ts: #graph.due(
//
// Edge `connector`: a connector's part takes in a record, or what came of its work beside the task.
//   throws: by a bug: the engine starts again from its last commit; the record is then a dead letter TRG_INTERNAL, a document that is
//     due is passed over; work is done again
//   rejects: cannot: it is synchronous; what is asked beside it is `send`, `model`, `known`
//   hangs: cannot: it is synchronous
//   too large: as a throw

import { assert } from '../../lib/assert.ts';
import type { Counters } from '../../lib/counters.ts';
import {
  EngineError,
  type ErrorCode,
  type ErrorFields,
  errorName,
  RecordError,
  RetryableError,
} from '../../lib/errors.ts';
import { deadLetter } from '../../schemas/dead-letter.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { Message, SourceRecord } from '../../state/processor.ts';
import type { StoreWrite } from '../../state/store/api.ts';
import type { CachedDocumentStore, DocumentChange, DocumentFigures } from '../../state/store/document-store.ts';
import type { SinkNode, SourceNode, SubTopology, VersionSwitch } from './builder.ts';
import type { Caution } from './caution.ts';
import { type JournalStep, JournalWriter } from './journal.ts';
import { OutputTooLarge } from './output-too-large.ts';
import { type GraphHost, ProcessorGraph } from './processor-graph.ts';
import { StreamTime, type StreamTimeSnapshot } from './stream-time.ts';
import type { TaskMeter } from './task-meter.ts';

export interface TaskInput {
  readonly topic: string;
  readonly partition: number;
  /** Upstream partitions whose watermarks come in through this input; null: its records carry their own time. */
  readonly upstream: readonly string[] | null;
  /** Whoever drives the task has put what it brings in one order of event time with all others that say so. */
  readonly isMerged?: boolean;
}

export interface TaskOptions {
  readonly id: string;
  readonly partition: number;
  readonly part: SubTopology;
  readonly inputs: readonly TaskInput[];
  readonly outOfOrdernessMs: number;
  // biome-ignore lint/suspicious/noExplicitAny: the task moves documents without knowing them
  readonly documents: CachedDocumentStore<any> | null;
  readonly counters: Counters;
  readonly emit: (sink: SinkNode, message: Message<unknown>) => void;
  /** Says when so much waits for a commit that one is due, and commits. Left out: never. */
  readonly pressure?: { isHigh(): boolean; relieve(): Promise<void> };
  /** Left out: nothing is measured. */
  readonly meter?: TaskMeter;
  /** Take back what was emitted since mark(). Left out: it stays. */
  readonly mark?: () => void;
  readonly undo?: () => void;
  /** Left out: a failure that is a bug is thrown. */
  readonly caution?: Caution;
  /** Called when `run` work has ended and its `then` waits in the mailbox. */
  readonly wake?: () => void;
}

/** What a commit writes for a task besides its outputs. */
export interface PreparedCommit {
  readonly steps: readonly JournalStep[];
  /** For the changelog; to be gone through, once, before the next step. */
  readonly changes: Iterable<DocumentChange>;
}

/** What was read, as a message; a record's headers are made only when somebody looks at them. */
class SourceMessage implements Message<SourceRecord> {
  /** The first processor gives it one. */
  readonly key = '';
  readonly value: SourceRecord;

  constructor({ topic, partition }: TaskInput, record: LogRecord) {
    this.value = { topic, partition, record };
  }

  get timestamp(): number {
    return this.value.record.timestamp;
  }

  get headers(): LogRecord['headers'] {
    return this.value.record.headers;
  }
}

/** What is left of the last step: index rows that must be read first, or documents. */
type Left = 'nothing' | 'rows' | 'documents';

/** Due documents handed out before whoever drives the task may look after others: some tens of milliseconds. */
const HAND_OUT_MAX = 500;

export class Task {
  readonly id: string;
  readonly partition: number;
  readonly inputs: readonly TaskInput[];
  readonly part: SubTopology;
  readonly #documents: TaskOptions['documents'];
  readonly #graph: ProcessorGraph;
  readonly #sources: readonly SourceNode[];
  readonly #time: StreamTime;
  readonly #journal = new JournalWriter();
  readonly #closing = new AbortController();
  readonly #mailbox: (() => void)[] = [];
  readonly #options: TaskOptions;
  readonly #deadLetters: SinkNode | undefined;
  readonly #versions: VersionSwitch | undefined;
  #version = 0;
  #reading = 0;
  /** Wall time at which the record being processed was fetched; -1: none is. Seen by the meter alone (X1). */
  #fetchedAt = -1;
  #running = 0;
  #left: Left = 'nothing';

  constructor(options: TaskOptions) {
    this.id = options.id;
    this.partition = options.partition;
    this.inputs = options.inputs;
    this.part = options.part;
    this.#documents = options.documents;
    this.#options = options;
    this.#versions = options.part.store?.spec.versions;
    this.#deadLetters = options.part.sinks.find((sink) => sink.takesRefused);
    this.#time = new StreamTime(
      options.outOfOrdernessMs,
      options.inputs.map((input) => input.upstream),
      options.inputs.map((input) => input.isMerged === true),
    );
    this.#sources = options.inputs.map((input) => {
      const source = options.part.sources.find((each) => each.topic === input.topic);
      assert(source !== undefined, `task ${options.id} has an input ${input.topic} without a source`);
      return source;
    });
    const host: GraphHost = {
      taskId: options.id,
      partition: options.partition,
      documents: options.documents,
      emit: options.emit,
      streamTime: () => this.#time.current,
      wallTime: () => this.#time.wall,
      inputTime: () => this.#time.inputTime,
      observeTime: (time) => {
        options.meter?.event(this.#time.of(this.#reading) - time);
        this.#time.observe(this.#reading, time);
      },
      observeWatermark: (upstream, time) => this.#time.watermark(this.#reading, upstream, time),
      count: (metric, labels) => options.counters.add(metric, labels),
      measure: (metric, since, labels, trace) =>
        options.meter?.begin({ metric, since, fetchedAt: this.#fetchedAt, labels, trace }),
      run: (work, then, failed) => this.#run(work, then, failed),
    };
    this.#graph = new ProcessorGraph(options.part, host);
  }

  get streamTime(): number {
    return this.#time.current;
  }

  get wallTime(): number {
    return this.#time.wall;
  }

  /** The version in force (VersionSwitch); 0: none was published. */
  get version(): number {
    return this.#version;
  }

  /** The stored form of a document as it is now, in a copy; undefined: there is none. See CachedDocumentStore.peek(). */
  lookUp(key: string): Uint8Array | undefined {
    return this.#documents?.peek(key);
  }

  /** How far the inputs have come, ms; -1: nothing read. */
  get inputTime(): number {
    return this.#time.inputTime;
  }

  /** Estimated heap bytes of documents that wait for a commit. */
  get dirtyBytes(): number {
    return this.#documents?.dirtyBytes ?? 0;
  }

  /** Bytes of documents that it may keep decoded. */
  limitCache(bytes: number): void {
    if (this.#documents !== null) this.#documents.cacheBytes = bytes;
  }

  get busy(): boolean {
    return this.#graph.busy();
  }

  /**
   * A record of input `input` is processed; `fetchedAt`: when it was fetched, -1: unknown. True when settle() must be
   * awaited before the next step.
   */
  read(input: number, record: LogRecord, fetchedAt = -1): boolean {
    this.#followRules();
    this.#journal.add('read', input, record.offset + 1);
    this.#reading = input;
    this.#fetchedAt = fetchedAt;
    const { caution } = this.#options;
    const message = new SourceMessage(this.inputs[input]!, record);
    this.#beginStep();
    try {
      if (caution?.avoidsAny === true && caution.avoids(placeOf(message.value))) throw new Avoided();
      this.#graph.process(this.#sources[input]!.name, message);
    } catch (error) {
      this.#refuse(message.value, error);
    }
    this.#fetchedAt = -1;
    return this.#drain();
  }

  /**
   * The error policy: RecordError sends the record to the dead-letter sink, and so does a bug, of which nothing is left (X4).
   * Other errors of the engine are thrown: they are of the log, the store or the process.
   */
  #refuse(read: SourceRecord, error: unknown): void {
    if (this.#deadLetters === undefined) throw error;
    const { topic, partition, record } = read;
    const refusal =
      error instanceof RecordError
        ? error
        : this.#takeBack(error, placeOf(read), { topic, partition, offset: record.offset }, 'its processing');
    this.#options.counters.add('dead-letter', { reason: refusal.code });
    try {
      this.#bury(read, refusal.code, refusal.message, this.#deadLetters);
    } catch (tooLarge) {
      if (!(tooLarge instanceof OutputTooLarge)) throw tooLarge;
      // Somebody else's topic takes more than ours do.
      const bare = { offset: record.offset, timestamp: record.timestamp, key: null, value: null, headers: [] };
      const message = `${refusal.message}; it is not kept: ${tooLarge.message}`;
      this.#bury({ topic, partition, record: bare }, refusal.code, message, this.#deadLetters);
    }
  }

  #bury(read: SourceRecord, code: ErrorCode, message: string, deadLetters: SinkNode): void {
    const value = deadLetter(read, code, message, this.#time.wall);
    const key = `${read.topic}/${read.partition}`;
    this.#options.emit(deadLetters, { key, value, timestamp: read.record.timestamp, headers: [] });
  }

  #beginStep(): void {
    const { caution, mark } = this.#options;
    if (caution?.isOn !== true || !this.part.journaled) return;
    this.#documents?.beginStep();
    mark?.();
  }

  /** X4. Returns what is said of it; throws what costs a restart, and what is no bug of processing. */
  #takeBack(error: unknown, place: string, where: ErrorFields, what: string): RecordError {
    const { caution, undo } = this.#options;
    if (error instanceof EngineError || caution === undefined) throw error;
    const fields = { task: this.id, ...where };
    const isAvoided = error instanceof Avoided;
    const name = isAvoided ? 'it failed before' : errorName(error);
    if (!isAvoided) {
      const canTakeBack = this.part.journaled && caution.isOn;
      if (!this.part.journaled) caution.avoid(place);
      if (!canTakeBack) {
        caution.turnOn();
        throw new RetryableError('TRG_INTERNAL', `${what} failed by a bug: ${DONE_AGAIN}`, fields, error);
      }
      if (this.#documents?.undo() === false) throw error;
      undo?.();
      caution.report(error, fields);
    }
    if (error instanceof OutputTooLarge) return new RecordError('TRG_RECORD_TOO_LARGE', error.message, fields);
    const message = `${what} failed by a bug (${name}); the log of the worker has more`;
    return new RecordError('TRG_INTERNAL', message, fields);
  }

  /** The first thing after state and time were restored: what is due by then and was not handed out. As read(). */
  resume(): boolean {
    this.#versions?.use(this.#version);
    return this.#drain();
  }

  /** Nothing was to be seen between the last record and `offset` (control records, compaction): a step all the same. */
  skipTo(input: number, offset: number): void {
    this.#journal.add('read', input, offset);
  }

  /** The input was read to its end as of this wall time. As read(). */
  end(input: number, wall: number): boolean {
    this.#followRules();
    this.#journal.add('end', input, wall);
    this.#time.end(input, wall);
    return this.#drain();
  }

  /** The clock said `wall`. As read(). */
  advanceWall(wall: number): boolean {
    if (wall <= this.#time.wall) return false;
    this.#followRules();
    this.#journal.add('wall', -1, wall);
    this.#time.advanceWall(wall);
    return this.#drain();
  }

  /** From here on this version of the rules is in force: a step of its own. */
  useVersion(version: number): void {
    this.#journal.add('rules', -1, version);
    this.#version = version;
  }

  /** Input has ended for good: stream time goes to `time`, whatever outOfOrderness says. As read(). */
  complete(time: number): boolean {
    this.#time.complete(time);
    return this.#drain();
  }

  /** Whether due documents are left to be handed out, before which no step may be taken (X2). */
  get isSettling(): boolean {
    return this.#left !== 'nothing';
  }

  /** Hands out all that is due: reads due rows, and commits under pressure. */
  async settle(): Promise<void> {
    while (!(await this.settleSome())) {}
  }

  /** Hands out some of what is due; true when nothing is left. */
  async settleSome(): Promise<boolean> {
    const { pressure } = this.#options;
    if (pressure?.isHigh()) await pressure.relieve();
    else if (this.#left !== 'documents') await this.#documents!.loadDue();
    this.#versions?.use(this.#version);
    return !this.#drain();
  }

  /** Whether something would come due if all inputs were at their end at `wall`. Undefined: settle() first. */
  dueWhenIdle(wall: number): boolean | undefined {
    if (this.#documents === null) return false;
    const time = this.#documents.dueBy === 'wall-time' ? wall : this.#time.ifIdleAt(wall);
    const due = this.#documents.peekDue(time);
    return due === undefined ? undefined : due !== null;
  }

  /** Runs what ended I/O left to be done. True when there was something. */
  receive(): boolean {
    const waiting = this.#mailbox.splice(0);
    try {
      for (const then of waiting) then();
    } catch (error) {
      if (error instanceof EngineError || this.#options.caution === undefined) throw error;
      const message = `what came of work beside the task failed by a bug: ${DONE_AGAIN}`;
      throw new RetryableError('TRG_INTERNAL', message, { task: this.id }, error);
    }
    return waiting.length > 0;
  }

  /** What the next commit writes for this task besides its outputs; the task counts it as written. */
  prepareCommit(): PreparedCommit {
    this.#graph.beforeCommit();
    this.#options.meter?.committing();
    return { steps: this.#journal.take(), changes: this.#documents?.changes() ?? [] };
  }

  /** Whether a commit would have steps or documents to write. */
  get hasUncommitted(): boolean {
    return !this.#journal.isEmpty || this.dirtyBytes > 0;
  }

  /** What prepareCommit() gave has been committed, at wall time `wall`; `note`: as of CachedDocumentStore.committed(). */
  committed(wall = this.#time.wall, note: StoreWrite | null = null): void {
    this.#documents?.committed(note);
    this.#options.meter?.committed(wall);
  }

  /** A commit where there is no log to write to: it ends with the documents. */
  async commitAlone(): Promise<void> {
    this.prepareCommit();
    this.committed();
    await this.writeSome();
  }

  /** See CachedDocumentStore.isWriteDue. */
  get isWriteDue(): boolean {
    return this.#documents?.isWriteDue ?? false;
  }

  /** See CachedDocumentStore.writeSome(). */
  async writeSome(anyway = false): Promise<void> {
    await this.#documents?.writeSome(anyway);
  }

  /** Brings its key-value store up to its last commit; to be called right after one. */
  async writeBack(): Promise<void> {
    await this.#documents?.writeBack();
  }

  /** What is to be seen of its documents; null without a store. */
  get documentFigures(): DocumentFigures | null {
    return this.#documents?.figures ?? null;
  }

  snapshotTime(): StreamTimeSnapshot {
    const time = this.#time.snapshot();
    return this.#version === 0 ? time : { ...time, rules: this.#version };
  }

  restoreTime(snapshot: StreamTimeSnapshot): void {
    this.#time.restore(snapshot);
    this.#version = snapshot.rules ?? 0;
  }

  /** Lets I/O that is under way end, and starts no more. */
  stop(): void {
    this.#graph.stop();
  }

  /** Whether I/O is under way, or has ended and is not yet taken in. */
  get isRunning(): boolean {
    return this.#running > 0 || this.#mailbox.length > 0;
  }

  close(): void {
    this.#closing.abort();
    this.#graph.close();
  }

  /** Resolves when nothing of it is on its way to its key-value store, which may then be closed. */
  async idle(): Promise<void> {
    await this.#documents?.idle();
  }

  #run<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    then: (result: Result) => void,
    failed: (error: unknown) => Result,
  ): void {
    this.#running++;
    void settled(work, failed, this.#closing.signal).then((result) => {
      this.#running--;
      if (this.#closing.signal.aborted) return;
      this.#mailbox.push(() => then(result));
      this.#options.wake?.();
    });
  }

  /** X3. Before each step: the newest rules, or those that this task has, whatever its neighbours evaluate with. */
  #followRules(): void {
    assert(!this.isSettling, 'no step is taken while something that is due is left of the one before (X2)');
    const versions = this.#versions;
    if (versions === undefined) return;
    const { newest } = versions;
    if (newest !== null && newest > this.#version) this.useVersion(newest);
    versions.use(this.#version);
  }

  /** X2. True when something is left to be done before the next step. */
  #drain(): boolean {
    this.#left = this.#handOut();
    return this.isSettling;
  }

  #handOut(): Left {
    const documents = this.#documents;
    if (documents === null) return 'nothing';
    const { caution } = this.#options;
    const time = documents.dueBy === 'wall-time' ? this.#time.wall : this.#time.current;
    for (let handedOut = 0; ; handedOut++) {
      const first = documents.peekDue(time);
      if (first === null) return 'nothing';
      if (first === undefined) return 'rows';
      if (handedOut === HAND_OUT_MAX || this.#options.pressure?.isHigh()) return 'documents';
      const { key, due } = first;
      this.#beginStep();
      try {
        if (caution?.avoidsAny === true && caution.avoids(`${this.id}/${key}`)) throw new Avoided();
        this.#graph.due(key, due);
      } catch (error) {
        // Nobody's record: the document stays as it is, and its time is passed over.
        this.#takeBack(error, `${this.id}/${key}`, { due }, 'a deadline');
        documents.passOver(key);
        this.#options.counters.add('deadline-failed', { part: this.part.name });
      }
      const next = documents.peekDue(time);
      assert(next?.key !== key || next.due !== due, `document ${this.part.name} stays due after it was handed out`);
    }
  }
}

const DONE_AGAIN = 'what was done since the last commit is done again, with care';

/** Thrown in place of processing what failed before. */
class Avoided extends Error {}

function placeOf({ topic, partition, record }: SourceRecord): string {
  return `${topic}/${partition}/${record.offset}`;
}

/** Whatever work beside the task throws or rejects with is a result. */
async function settled<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  failed: (error: unknown) => Result,
  signal: AbortSignal,
): Promise<Result> {
  try {
    return await work(signal);
  } catch (error) {
    return failed(error);
  }
}
