// The commits of an engine thread: what one holds, when it is due, and bringing stores up to date after it.
//
// Owns: outputs until they are committed, the order of a commit, adaptive commit interval. Does not own: steps and their
// order (engine.ts), the log's side of a commit (LogWriter), writing to a store (CachedDocumentStore).
//
// Invariants:
//   Y1. A commit is one transaction of the log: outputs, changelog, journal and consumed offsets of all tasks. Stores are
//       written to later, only what was committed, and say how far they are. State newer than that cannot exist (I1, I5).
//   Y2. After any fault of a commit the engine is of no more use: it is closed, opened anew and restored.
//   Y3. What waits for a commit is bounded: OUTPUT_BYTES_MAX, and `dirtyBytesMax` of documents.
//   Y4. Steps are taken while the log is at a commit; what comes of them is the next one's, which waits for this one.
//
// Edge `publish`: outputs, state and positions are written to the log, in one transaction.
//   throws: the engine starts again from its last commit, after 0.1 to 30 s; nothing is lost and nothing is there twice. What time
//     cannot mend, such as a right that is missing, ends the worker with its reason: without a log it can keep nothing
//   rejects: as a throw
//   hangs: steps go on until 8 MiB of output wait; then the thread waits. A stop ends it within 30 s
//   too large: a record that the log does not take is not given to it (`evaluate`, `connector`). A topic of a cluster whose own limit is
//     lower ends the worker, with its name and setting
//   behind: connectors/logs/
//   only in topology/engine/committer.ts: .commit(application

import { assert } from '../../lib/assert.ts';
import { utf8Bytes } from '../../lib/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import { type NewRecord, NO_HEADERS } from '../../schemas/record.ts';
import type { Message } from '../../state/processor.ts';
import type { SinkNode } from './builder.ts';
import type { EngineTask } from './engine-task.ts';
import type { CommitPermit } from './group/commit-permit.ts';
import { type JournalPlace, journalCodec } from './journal.ts';
import type { EngineMonitor } from './monitor.ts';
import { outputRecords } from './output-record.ts';
import { type CommittedPosition, type LogWriter, partitionKey } from './ports.ts';
import { encodePositionNote } from './position-note.ts';
import type { PreparedCommit } from './task.ts';
import { changelogNote, readChangelogNote } from './task-note.ts';
import type { TaskQueue } from './task-queue.ts';
import { journalTopic } from './topics.ts';

export interface CommitInterval {
  /** After this long when nothing more is waiting: latency. */
  readonly minMs: number;
  /** After this long under load: throughput. */
  readonly maxMs: number;
}

export interface CommitterOptions {
  readonly application: string;
  readonly clock: Clock;
  /** Left out: nobody watches. */
  readonly monitor?: EngineMonitor;
  readonly writer: LogWriter;
  /** The writer's transactional id: whoever takes over a task learns from it whom to fence. */
  readonly transactionalId: string;
  /** The place in the group: when a commit may be made, and as whom. */
  readonly permit: CommitPermit;
  readonly commitInterval: CommitInterval;
  readonly dirtyBytesMax: number;
  /** So long stores may be behind what was committed, ms: what a restart after a crash has to read again. 0: not at all. */
  readonly writeBackMs: number;
  /** Of an output's value (Log.recordBytesMax). */
  readonly recordBytesMax: number;
  /** Partition counts of all topics. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** Output of one transaction: large enough for throughput, small enough for a broker and for memory. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #onEnd: () => void;
  #tasks: readonly EngineTask[] = [];
  #outputs: NewRecord[] = [];
  #outputBytes = 0;
  #marked = 0;
  #markedBytes = 0;
  /** See `offsets`. */
  readonly #offsets = new Map<string, number>();
  /** Where each task stood at the begin of its last commit, by task id: where its next journal entry goes on. */
  readonly #places = new Map<string, JournalPlace>();
  #lastCommit: number;
  #lastWriteBack: number;
  /** The commit that the log is at; never rejects. */
  #underWay: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  /** `onEnd`: called when a commit has ended, and there is more to commit or an error to throw. */
  constructor(options: CommitterOptions, onEnd: () => void) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.#lastCommit = options.clock.now();
    this.#lastWriteBack = this.#lastCommit;
  }

  /** From now on it commits these tasks. */
  set tasks(tasks: readonly EngineTask[]) {
    this.#tasks = tasks;
    const ids = new Set(tasks.map(({ spec }) => spec.id));
    for (const known of [this.#offsets, this.#places]) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    }
    for (const { spec, queue, store } of tasks) {
      if (!this.#places.has(spec.id)) this.#places.set(spec.id, placeOf(queue));
      if (store !== null && !this.#offsets.has(spec.id)) this.#offsets.set(spec.id, readChangelogNote(store));
    }
  }

  /** Changelog offset of each task's state as of its last commit, by task id. What is on disk may be a little behind it. */
  get offsets(): ReadonlyMap<string, number> {
    return this.#offsets;
  }

  /** Adds an output to the next commit. Throws OutputTooLarge. */
  emit(sink: SinkNode, message: Message<unknown>): void {
    for (const record of outputRecords(sink, message, this.#options)) {
      this.#outputBytes += record.value?.length ?? 0;
      this.#outputs.push(record);
    }
  }

  /** From here on undo() takes outputs back; nothing is committed between the two. */
  mark(): void {
    this.#marked = this.#outputs.length;
    this.#markedBytes = this.#outputBytes;
  }

  undo(): void {
    this.#outputs.length = this.#marked;
    this.#outputBytes = this.#markedBytes;
  }

  /** Whether so much waits for a commit that one is to be begun before the next step (Y3). */
  get isPressed(): boolean {
    if (this.#outputBytes >= OUTPUT_BYTES_MAX) return true;
    let dirtyBytes = 0;
    for (const { queue } of this.#tasks) dirtyBytes += queue.task.dirtyBytes;
    return dirtyBytes >= this.#options.dirtyBytesMax;
  }

  /** `waitMs`, but not longer than until the next commit. The end of one that is under way is told by `onEnd`. */
  waitMs(waitMs: number, now: number): number {
    if (this.#underWay !== null || !this.#options.permit.mayCommit || !this.#hasUncommitted) return waitMs;
    const { minMs, maxMs } = this.#options.commitInterval;
    // Inputs of a task that takes no more are not read, so it is not caught up (#isDue): to look again and again before then would
    // keep the I/O that it waits for from its turn.
    const intervalMs = this.#tasks.some(({ queue }) => queue.task.busy) ? maxMs : minMs;
    return Math.max(0, Math.min(waitMs, this.#lastCommit + intervalMs - now));
  }

  /**
   * Begins a commit if it is time for one, or brings stores up to date. Returns whether it began one. Throws what a commit
   * before threw (Y2).
   */
  async look(): Promise<boolean> {
    this.#throwFailure();
    const isDue = this.#isDue();
    if (isDue) await this.begin();
    else if (this.#underWay === null && !this.#hasUncommitted && this.#areStoresOld) await this.#writeStores();
    return isDue;
  }

  /**
   * Begins a commit as soon as the group allows it and the one before has ended. Does not wait for its end (Y4), but where
   * stores must be brought up to date: they get what was committed, and all of that.
   */
  async begin(): Promise<void> {
    await this.#send();
    if (this.#areStoresOld || this.#tasks.some(({ queue }) => queue.task.isWriteDue)) await this.#finish();
  }

  /** Commits all that there is, and waits until that is done. Throws what LogWriter.commit throws (Y2). */
  async commit(): Promise<void> {
    await this.#send();
    await this.#finish();
  }

  /** Waits for the commit that is under way. Throws what it, or one before, threw. */
  async ended(): Promise<void> {
    await this.#underWay;
    this.#throwFailure();
  }

  /** What begins a commit: all that it holds goes to the writer at one go. */
  async #send(): Promise<void> {
    const { application, clock, writer, permit } = this.#options;
    if (this.#tasks.length === 0) return;
    await this.ended();
    await permit.untilMayCommit();
    assert(this.#underWay === null, 'one commit is under way at a time (Y4)');
    const prepared = this.#tasks.map((each) => ({ ...each, ...each.queue.task.prepareCommit() }));
    const positions = prepared.flatMap(({ queue }) => this.#positionsOf(queue));
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#outputBytes = 0;
    let records = outputs.length;
    writer.send(outputs);
    for (const each of prepared) {
      writer.send(this.#journalRecords(each));
      writer.send(changelogRecords(each, () => records++));
    }
    const began = clock.now();
    this.#underWay = writer
      .commit(application, positions, permit.identity ?? undefined)
      .then((ends) => this.#committed(prepared, ends, { durationMs: clock.now() - began, records }))
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#underWay = null;
        if (this.#failure !== null || this.#hasUncommitted) this.#onEnd();
      });
  }

  /** Waits for the commit, and then begins to bring stores up to date with it. */
  async #finish(): Promise<void> {
    await this.ended();
    await this.#writeStores();
  }

  #committed(
    tasks: readonly EngineTask[],
    ends: ReadonlyMap<string, number>,
    { durationMs, records }: { readonly durationMs: number; readonly records: number },
  ): void {
    const now = this.#options.clock.now();
    this.#lastCommit = now;
    this.#options.monitor?.committed(durationMs, records);
    for (const { spec, queue } of tasks) {
      const end = spec.changelog === null ? undefined : ends.get(partitionKey(spec.changelog));
      if (end !== undefined) {
        assert(end > (this.#offsets.get(spec.id) ?? -1), 'the changelog of a task only grows (Y1)');
        this.#offsets.set(spec.id, end);
      }
      queue.task.committed(now, end === undefined ? null : changelogNote(end));
    }
  }

  /** Begins to bring stores up to date; to be called when nothing waits for a commit. */
  async #writeStores(): Promise<void> {
    const { clock, writeBackMs } = this.#options;
    const areOld = this.#areStoresOld;
    if (areOld) this.#lastWriteBack = clock.now();
    for (const { queue } of this.#tasks) {
      await (writeBackMs === 0 ? queue.task.writeBack() : queue.task.writeSome(areOld));
    }
  }

  /** Whether stores have not been brought up to date for long. */
  get #areStoresOld(): boolean {
    const { clock, writeBackMs } = this.#options;
    return clock.now() - this.#lastWriteBack >= writeBackMs;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  get #hasUncommitted(): boolean {
    return this.#outputs.length > 0 || this.#tasks.some(({ queue }) => queue.task.hasUncommitted);
  }

  #isDue(): boolean {
    if (!this.#options.permit.mayCommit || !this.#hasUncommitted) return false;
    if (this.isPressed) return true;
    if (this.#underWay !== null) return false;
    const { clock, commitInterval } = this.#options;
    const { minMs, maxMs } = commitInterval;
    const caughtUp = this.#tasks.every(({ queue }) => queue.isAtEnd);
    return clock.now() - this.#lastCommit >= (caughtUp ? minMs : maxMs);
  }

  #journalRecords({ spec, queue, steps }: EngineTask & PreparedCommit): readonly NewRecord[] {
    const { id, part, partition } = spec;
    if (steps.length === 0 || !part.journaled) return [];
    const { inputs, wallTime: timestamp } = queue.task;
    const from = this.#places.get(id)!;
    this.#places.set(id, placeOf(queue));
    const value = journalCodec.encode({ task: id, inputs: inputs.map(partitionKey), steps, from });
    const topic = journalTopic(this.#options.application);
    return [{ topic, partition, timestamp, key: utf8Bytes(id), value, headers: [] }];
  }

  #positionsOf(queue: TaskQueue): CommittedPosition[] {
    const { transactionalId: writer } = this.#options;
    const note = encodePositionNote({ writer, time: queue.task.snapshotTime() });
    return queue.positions.map((offset, i) => {
      const { topic, partition } = queue.task.inputs[i]!;
      return { topic, partition, offset, metadata: i === 0 ? note : '' };
    });
  }
}

function placeOf({ positions, task }: TaskQueue): JournalPlace {
  return { positions: [...positions], wall: task.wallTime, streamTime: task.streamTime, rules: task.version };
}

/** One after the other, so that they are not all in memory beside the documents. */
function* changelogRecords(
  { spec, queue, changes }: EngineTask & PreparedCommit,
  onEach: () => void,
): Generator<NewRecord> {
  if (spec.changelog === null) return;
  const { topic, partition } = spec.changelog;
  const timestamp = queue.task.wallTime;
  for (const { key, value } of changes) {
    onEach();
    yield { topic, partition, timestamp, key, value, headers: NO_HEADERS };
  }
}
