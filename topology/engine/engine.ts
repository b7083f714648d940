// The tasks of an engine thread and one reader: reads, processes, lets the committer look.
//
// Owns: the poll loop, which task has its turn. Does not own: commits (committer.ts), which tasks it has (task-manager.ts),
// opening and restoring them (open-task.ts), starting again after a fault (supervise.ts).

import { assert } from '../../lib/assert.ts';
import type { Counters } from '../../lib/counters.ts';
import type { Message } from '../../state/processor.ts';
import type { SinkNode } from './builder.ts';
import { Committer, type CommitterOptions } from './committer.ts';
import type { EngineTask } from './engine-task.ts';
import { PartitionerCheck } from './partitioner-check.ts';
import { type LogReader, partitionKey } from './ports.ts';
import type { Task } from './task.ts';
import { showTasks } from './task-figures.ts';
import type { TaskQueue } from './task-queue.ts';
import type { TaskSpec } from './tasks.ts';

export interface EngineOptions extends CommitterOptions {
  readonly counters: Counters;
  readonly reader: LogReader;
  /** Bytes of one fetch; bounds memory and the time until other things are looked at. */
  readonly fetchBytesMax: number;
}

/** Records a task processes before the next task gets its turn. */
const TURN_RECORDS = 2_000;
/** Tasks that feed others tell them how far they have come at least this often. */
const WATERMARK_INTERVAL_MS = 200;

/** A reason of one's own: without, each abort makes an error with a stack, and what ends beside a task wakes the loop each time. */
const WOKEN = 'there is something to do';

/** How often drain looks whether I/O has ended. */
const DRAIN_STEP_MS = 10;

export class Engine {
  readonly #options: EngineOptions;
  #tasks: EngineTask[] = [];
  readonly #byInput = new Map<string, { queue: TaskQueue; input: number }>();
  /** Tasks that have not taken a step in this life. */
  readonly #fresh = new Set<TaskQueue>();
  readonly #committer: Committer;
  readonly #partitioner: PartitionerCheck;
  readonly #watermarkAt = new Map<Task, number>();
  #woken = new AbortController();
  #isWakingSoon = false;
  readonly #hideTasks: (() => void) | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#committer = new Committer(options, () => this.#woken.abort(WOKEN));
    this.#partitioner = new PartitionerCheck(options);
    const { monitor, clock } = options;
    this.#hideTasks = monitor && showTasks(monitor.metrics, clock, () => this.#tasks);
  }

  /** Gives the engine tasks, which it reads for and commits from now on. */
  adopt(tasks: readonly EngineTask[]): void {
    for (const task of tasks) {
      this.#tasks.push(task);
      this.#fresh.add(task.queue);
      task.queue.task.inputs.forEach((input, i) => {
        assert(!this.#byInput.has(partitionKey(input)), 'a partition is read for one task (A1)');
        this.#byInput.set(partitionKey(input), { queue: task.queue, input: i });
      });
    }
    this.#committer.tasks = this.#tasks;
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
    for (const { queue } of released) {
      this.#fresh.delete(queue);
      this.#watermarkAt.delete(queue.task);
      queue.task.close();
      for (const input of queue.task.inputs) this.#byInput.delete(partitionKey(input));
    }
    this.#committer.tasks = this.#tasks;
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
    return this.#committer.offsets;
  }

  /** How tasks hand over outputs, ask for commits and wake the loop. */
  readonly hooks = {
    emit: (sink: SinkNode, message: Message<unknown>) => this.#committer.emit(sink, message),
    mark: () => this.#committer.mark(),
    undo: () => this.#committer.undo(),
    pressure: { isHigh: () => this.#committer.isPressed, relieve: () => this.#committer.begin() },
    wake: () => this.#wakeSoon(),
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
    const wait = leftover ? 0 : this.#committer.waitMs(waitMs, wall);
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
    if (await this.#committer.look()) turn?.part('commit');
    if (active) turn?.end();
    monitor?.polled();
    return active;
  }

  /** Commits all that there is, and waits until that is done. Throws what LogWriter.commit throws (Y2). */
  commit(): Promise<void> {
    return this.#committer.commit();
  }

  /** Waits for the commit that is under way. Throws what it, or one before, threw. */
  commitEnded(): Promise<void> {
    return this.#committer.ended();
  }

  /** Reads no more, waits up to `graceMs` for I/O that is under way, and commits. */
  async drain(graceMs: number): Promise<void> {
    await this.#finish(this.#tasks, graceMs);
  }

  /** Once all that the event loop has at hand was seen: answers that come together are taken in together, in one turn. */
  #wakeSoon(): void {
    if (this.#isWakingSoon) return;
    this.#isWakingSoon = true;
    setImmediate(() => {
      this.#isWakingSoon = false;
      this.#woken.abort(WOKEN);
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
      if (this.#committer.isPressed) await this.#committer.begin();
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
}
