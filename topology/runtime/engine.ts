// The tasks of an engine thread, one reader, one transactional writer. Reads, processes, commits.
//
// Owns: the poll loop, the commit and its order, adaptive commit interval. Does not own: which tasks it has
// (task-manager.ts), opening and restoring them (open-task.ts), starting again after a fault (supervise.ts).
//
// Invariants:
//   Y1. A commit is one transaction of the log: outputs, changelog, journal and consumed offsets of all tasks. Stores are
//       written to later, only what was committed, and say how far they are. State newer than that cannot exist (I1, I5).
//   Y2. After any fault of a commit the engine is of no more use: it is closed, opened anew and restored.
//   Y3. What waits for a commit is bounded: OUTPUT_BYTES_MAX, and `dirtyBytesMax` of documents.

import { utf8Bytes } from '../../lib/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { Message } from '../../processors/api.ts';
import type { NewRecord, RecordHeader } from '../../schemas/record.ts';
import { TRACEPARENT } from '../../schemas/trace.ts';
import type { SinkNode } from '../builder.ts';
import { type CommittedPosition, type LogReader, type LogWriter, partitionKey } from '../ports.ts';
import { journalTopic } from '../topics.ts';
import type { EngineTask } from './engine-task.ts';
import type { Seat } from './group/seat.ts';
import { journalCodec } from './journal.ts';
import type { EngineMonitor } from './monitor.ts';
import { PartitionerCheck } from './partitioner-check.ts';
import { encodePositionNote } from './position-note.ts';
import type { PreparedCommit, Task } from './task.ts';
import { showTasks } from './task-figures.ts';
import { changelogNote, readChangelogNote } from './task-note.ts';
import type { TaskQueue } from './task-queue.ts';
import type { TaskSpec } from './tasks.ts';

export interface CommitInterval {
  /** After this long when nothing more is waiting: latency. */
  readonly minMs: number;
  /** After this long under load: throughput. */
  readonly maxMs: number;
}

export interface EngineOptions {
  readonly application: string;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Left out: nobody watches. */
  readonly monitor?: EngineMonitor;
  readonly reader: LogReader;
  readonly writer: LogWriter;
  /** The writer's transactional id: whoever takes over a task learns from it whom to fence. */
  readonly transactionalId: string;
  /** The place in the group: when a commit may be made, and as whom. */
  readonly seat: Seat;
  readonly commitInterval: CommitInterval;
  /** Bytes of one fetch; bounds memory and the time until other things are looked at. */
  readonly fetchBytesMax: number;
  readonly dirtyBytesMax: number;
  /** So long stores may be behind what was committed, ms: what a restart after a crash has to read again. 0: not at all. */
  readonly writeBackMs: number;
  /** Partition counts of all topics. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** Output of one transaction: large enough for throughput, small enough for a broker and for memory. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;
/** Records a task processes before the next task gets its turn. */
const TURN_RECORDS = 2_000;
const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);
/** Tasks that feed others tell them how far they have come at least this often. */
const WATERMARK_INTERVAL_MS = 200;

/** How often drain looks whether I/O has ended. */
const DRAIN_STEP_MS = 10;

export class Engine {
  readonly #options: EngineOptions;
  #tasks: EngineTask[] = [];
  readonly #byInput = new Map<string, { queue: TaskQueue; input: number }>();
  #outputs: NewRecord[] = [];
  #outputBytes = 0;
  /** See offsets(). */
  readonly #offsets = new Map<string, number>();
  /** Tasks that have not taken a step in this life. */
  readonly #fresh = new Set<TaskQueue>();
  #lastCommit: number;
  #lastWriteBack: number;
  readonly #partitioner: PartitionerCheck;
  readonly #watermarkAt = new Map<Task, number>();
  #woken = new AbortController();
  readonly #hideTasks: (() => void) | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#lastCommit = options.clock.now();
    this.#lastWriteBack = this.#lastCommit;
    this.#partitioner = new PartitionerCheck(options);
    const { monitor, clock } = options;
    this.#hideTasks = monitor && showTasks(monitor.metrics, clock, () => this.#tasks);
  }

  /** Gives the engine tasks, which it reads for and commits from now on. */
  adopt(tasks: readonly EngineTask[]): void {
    for (const task of tasks) {
      this.#tasks.push(task);
      this.#fresh.add(task.queue);
      if (task.store !== null) this.#offsets.set(task.spec.id, readChangelogNote(task.store));
      task.queue.task.inputs.forEach((input, i) => {
        this.#byInput.set(partitionKey(input), { queue: task.queue, input: i });
      });
    }
    this.#shareCaches();
    this.#assignReader();
  }

  /**
   * Lets these tasks go, after waiting up to `graceMs` for I/O that is under way and a commit. Their stores, still open,
   * are the caller's.
   */
  async release(specs: ReadonlySet<TaskSpec>, graceMs: number): Promise<readonly EngineTask[]> {
    const released = this.#tasks.filter(({ spec }) => specs.has(spec));
    await this.#finish(released, graceMs);
    this.#tasks = this.#tasks.filter(({ spec }) => !specs.has(spec));
    for (const { spec, queue } of released) {
      this.#offsets.delete(spec.id);
      this.#fresh.delete(queue);
      this.#watermarkAt.delete(queue.task);
      queue.task.close();
      for (const input of queue.task.inputs) this.#byInput.delete(partitionKey(input));
    }
    this.#shareCaches();
    this.#assignReader();
    return released;
  }

  get tasks(): readonly Task[] {
    return this.#tasks.map(({ queue }) => queue.task);
  }

  get specs(): readonly TaskSpec[] {
    return this.#tasks.map(({ spec }) => spec);
  }

  /** Changelog offset of each task's state as of its last commit, by task id. What is on disk may be a little behind it. */
  offsets(): ReadonlyMap<string, number> {
    return this.#offsets;
  }

  /** How tasks hand over outputs, ask for commits and wake the loop. */
  readonly hooks = {
    emit: (sink: SinkNode, message: Message<unknown>) => this.#emit(sink, message),
    pressure: { isHigh: () => this.#isPressed(), relieve: () => this.commit() },
    wake: () => this.#woken.abort(),
  };

  /**
   * One turn: fetch, process all that came, commit if it is time. Waits up to `waitMs` for something to come.
   * Returns whether there was anything to do.
   */
  async poll(waitMs: number): Promise<boolean> {
    const { clock, monitor, reader, fetchBytesMax } = this.#options;
    const turn = monitor?.turn();
    if (this.#fresh.size > 0) this.#resume();
    const leftover = this.#pauseBusy();
    const wall = clock.now();
    const wait = leftover ? 0 : this.#waitMs(waitMs, wall);
    const fetched = await reader.read({ maxBytes: fetchBytesMax, waitMs: wait, signal: this.#woken.signal });
    if (this.#woken.signal.aborted) this.#woken = new AbortController();
    turn?.part('poll');
    let active = leftover;
    for (const each of fetched) {
      const target = this.#byInput.get(partitionKey(each));
      if (target === undefined) continue;
      if (each.records.length > 0) active = true;
      this.#partitioner.look(target.queue.task, target.input, each);
      target.queue.add(target.input, each, wall);
    }
    for (const { queue } of this.#tasks) active = (await this.#turn(queue, wall)) || active;
    turn?.part('process');
    if (this.#commitIsDue()) {
      await this.commit();
      turn?.part('commit');
    }
    await this.#writeOld(wall);
    if (active) turn?.end();
    monitor?.polled();
    return active;
  }

  /** Commits what there is, as soon as the group allows it; see Y1. Throws what LogWriter.commit throws (Y2). */
  async commit(): Promise<void> {
    const { application, clock, monitor, writer, seat, writeBackMs } = this.#options;
    if (this.#tasks.length === 0) return;
    await seat.untilMayCommit();
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
    const ends = await writer.commit(application, positions, seat.identity ?? undefined);
    const committedAt = clock.now();
    monitor?.committed(committedAt - began, records);
    for (const { spec, queue } of prepared) {
      const end = spec.changelog === null ? undefined : ends.get(partitionKey(spec.changelog));
      if (end !== undefined) this.#offsets.set(spec.id, end);
      queue.task.committed(committedAt, end === undefined ? null : changelogNote(end));
    }
    for (const { queue } of prepared) await (writeBackMs === 0 ? queue.task.writeBack() : queue.task.writeSome());
    this.#lastCommit = clock.now();
  }

  /** Brings stores up to date that have been behind for long. */
  async #writeOld(now: number): Promise<void> {
    const { writeBackMs } = this.#options;
    if (now - this.#lastWriteBack < writeBackMs || this.#tasks.some(({ queue }) => queue.task.hasUncommitted)) return;
    for (const { queue } of this.#tasks) await queue.task.writeSome(true);
    this.#lastWriteBack = now;
  }

  /** Reads no more, waits up to `graceMs` for I/O that is under way, and commits. */
  async drain(graceMs: number): Promise<void> {
    await this.#finish(this.#tasks, graceMs);
  }

  #journalRecords({ spec, queue, steps }: EngineTask & PreparedCommit): readonly NewRecord[] {
    const { id, part, partition } = spec;
    if (steps.length === 0 || !part.journaled) return [];
    const { inputs, wallTime: timestamp } = queue.task;
    const value = journalCodec.encode({ task: id, inputs: inputs.map(partitionKey), steps });
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

  /** Starts no more I/O for these tasks, waits for what is under way, and commits. */
  async #finish(tasks: readonly EngineTask[], graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + graceMs;
    for (const { queue } of tasks) queue.task.stop();
    for (const { queue } of tasks) {
      while (queue.task.isRunning && clock.now() < until) {
        if (!queue.task.receive()) await clock.sleep(DRAIN_STEP_MS);
      }
    }
    await this.commit();
    for (const { queue } of tasks) await queue.task.writeBack();
  }

  /** The memory of a thread is the same however many tasks it has. */
  #shareCaches(): void {
    const tasks = Map.groupBy(this.tasks, ({ part }) => part);
    for (const [{ store }, ofPart] of tasks) {
      for (const task of ofPart) task.limitCache((store?.spec.cacheBytes ?? 0) / ofPart.length);
    }
  }

  /** Every partition goes on after what is queued of it. */
  #assignReader(): void {
    const positions = this.#tasks.flatMap(({ queue }) =>
      queue.task.inputs.map(({ topic, partition }, i) => ({ topic, partition, offset: queue.fetchedTo(i) })),
    );
    this.#options.reader.assign(positions);
  }

  /** Stops the tasks and gives back reader, writer and stores, without committing. */
  async close(): Promise<void> {
    this.#hideTasks?.();
    for (const { queue } of this.#tasks) queue.task.close();
    await this.#options.reader.close();
    await this.#options.writer.close();
    for (const { queue, store } of this.#tasks) {
      await queue.task.idle();
      await store?.close();
    }
  }

  /** Processes what a task has, and lets time pass for it. */
  async #turn(queue: TaskQueue, wall: number): Promise<boolean> {
    const { task } = queue;
    let active = task.receive();
    // A step that makes much due, such as a million timers of one moment, is done over many turns: others have theirs between.
    if (task.isSettling && !(await task.settleSome())) return true;
    if (!queue.isEmpty || task.part.journaled === false) {
      if (task.advanceWall(wall) && !(await task.settleSome())) return true;
    }
    while (queue.isReady) {
      active = true;
      if (queue.process(TURN_RECORDS) && !(await task.settleSome())) return true;
      if (this.#isPressed()) await this.commit();
    }
    // With nothing to come due, a look at the clock would only fill the journal.
    let due = task.dueWhenIdle(wall);
    if (due === undefined) {
      if (!(await task.settleSome())) return true;
      due = task.dueWhenIdle(wall);
    }
    if (due === true || this.#owesWatermark(task, wall)) {
      if (task.advanceWall(wall) && !(await task.settleSome())) return true;
      if (queue.endInputs() && !(await task.settleSome())) return true;
    }
    return task.receive() || active;
  }

  #owesWatermark(task: Task, wall: number): boolean {
    if (task.part.store !== null || wall - (this.#watermarkAt.get(task) ?? 0) < WATERMARK_INTERVAL_MS) return false;
    this.#watermarkAt.set(task, wall);
    return true;
  }

  /** A commit under pressure may have ended the last life amid a step: what it left due comes before the next (X2). */
  #resume(): void {
    for (const queue of this.#fresh) {
      this.#fresh.delete(queue);
      queue.task.resume();
    }
  }

  /** Pauses the inputs of tasks that still have records waiting; true when one of them could go on at once. */
  #pauseBusy(): boolean {
    const { reader } = this.#options;
    let ready = false;
    for (const { queue } of this.#tasks) {
      for (const input of queue.task.inputs) {
        if (queue.isEmpty && !queue.task.busy) reader.resume(input);
        else reader.pause(input);
      }
      if (queue.isReady || queue.task.isSettling) ready = true;
    }
    return ready;
  }

  /** Not longer than until the next commit. */
  #waitMs(waitMs: number, now: number): number {
    if (!this.#options.seat.mayCommit || !this.#hasUncommitted()) return waitMs;
    return Math.max(0, Math.min(waitMs, this.#lastCommit + this.#options.commitInterval.minMs - now));
  }

  #commitIsDue(): boolean {
    if (!this.#options.seat.mayCommit || !this.#hasUncommitted()) return false;
    const { minMs, maxMs } = this.#options.commitInterval;
    const caughtUp = this.#tasks.every(({ queue }) => queue.isAtEnd);
    const elapsed = this.#options.clock.now() - this.#lastCommit;
    return elapsed >= (caughtUp ? minMs : maxMs) || this.#isPressed();
  }

  #hasUncommitted(): boolean {
    return this.#outputs.length > 0 || this.#tasks.some(({ queue }) => queue.task.hasUncommitted);
  }

  #isPressed(): boolean {
    if (this.#outputBytes >= OUTPUT_BYTES_MAX) return true;
    let dirtyBytes = 0;
    for (const { queue } of this.#tasks) dirtyBytes += queue.task.dirtyBytes;
    return dirtyBytes >= this.#options.dirtyBytesMax;
  }

  #emit(sink: SinkNode, message: Message<unknown>): void {
    const value = sink.encode(message.value as never);
    const topic = typeof sink.topic === 'string' ? sink.topic : sink.topic(message.value as never);
    const partitions = this.#options.partitions.get(topic) ?? 1;
    const named = Object.entries(sink.headers?.(message.value as never) ?? {});
    const headers: RecordHeader[] = named.map(([name, text]) => [name, utf8Bytes(text)]);
    for (const header of message.headers) if (header[0] === TRACEPARENT) headers.push(header);
    const { timestamp } = message;
    this.#outputBytes += value.length;
    if (sink.toAllPartitions?.(message.value as never) === true) {
      for (let partition = 0; partition < partitions; partition++) {
        this.#outputs.push({ topic, partition, timestamp, key: null, value, headers });
      }
      return;
    }
    const key = utf8Bytes(message.key);
    this.#outputs.push({ topic, partition: partitionOf(key, partitions), timestamp, key, value, headers });
  }
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
