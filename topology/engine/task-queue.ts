// What has been fetched for one task and not yet processed, and which of it comes next.
//
// Owns: the live choice of a task's steps. A replay takes them from the journal instead.
//
// Invariants:
//   Q1. Of several inputs with records, the one whose next record is the oldest goes first; of equals, the first input.
//   Q2. A record whose source is not prepared for it (its schema is not here yet) holds the task's records up, in their
//       order; time goes on, as far as unread records let it. Nothing of it is in the journal: a replay waits likewise.
//   Q3. Of an input every record is processed once, in the order of offsets (P2): positions never go back.

import { assert } from '../../lib/assert.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { SourceSpec } from './builder.ts';
import type { FetchedPartition, TopicPartition } from './ports.ts';
import type { Task } from './task.ts';

interface QueuedInput {
  fetched: FetchedPartition | null;
  /** Index of the next record of `fetched`. */
  next: number;
  /** Offset after the last record processed; what a commit writes. */
  position: number;
  /** Wall time as of which the input was read to its end; null while unread records remain. */
  endWall: number | null;
  /** Wall time at which `fetched` was asked for. */
  fetchedAt: number;
  /** First offset that was not there yet at the last fetch; -1: none was made. */
  endOffset: number;
  processed: number;
}

/** What is to be seen of one input. */
export interface InputFigures extends TopicPartition {
  /** Records processed. */
  readonly processed: number;
  /** Offsets between the last record processed and the end as of the last fetch; null before the first one. */
  readonly lag: number | null;
}

export class TaskQueue {
  readonly task: Task;
  readonly #inputs: QueuedInput[];
  readonly #prepare: readonly SourceSpec['prepare'][];
  #isHeld = false;

  constructor(task: Task, positions: readonly number[]) {
    this.task = task;
    this.#inputs = positions.map((position) => ({
      fetched: null,
      next: 0,
      position,
      endWall: null,
      fetchedAt: 0,
      endOffset: -1,
      processed: 0,
    }));
    const { inputs, part } = task;
    this.#prepare = inputs.map((input) => part.sources.find(({ topic }) => topic === input.topic)?.prepare);
  }

  /** Offsets after the last records processed, by input. */
  get positions(): readonly number[] {
    return this.#inputs.map((input) => input.position);
  }

  /** Offset after what was fetched of this input: where reading goes on. */
  fetchedTo(input: number): number {
    const { fetched, position } = this.#inputs[input]!;
    return fetched?.nextOffset ?? position;
  }

  get isEmpty(): boolean {
    return this.#inputs.every((input) => input.fetched === null);
  }

  /** Whether there is a record that can be processed now. */
  get isReady(): boolean {
    return !this.isEmpty && !this.#isHeld && !this.task.busy;
  }

  /** Whether all inputs were read to their end. */
  get isAtEnd(): boolean {
    return this.#inputs.every((input) => input.endWall !== null);
  }

  figures(): readonly InputFigures[] {
    return this.#inputs.map(({ processed, endOffset, position }, i) => {
      const { topic, partition } = this.task.inputs[i]!;
      return { topic, partition, processed, lag: endOffset < 0 ? null : Math.max(0, endOffset - position) };
    });
  }

  /** Takes what was fetched for an input; `wall` is the time at which the fetch began. */
  add(input: number, fetched: FetchedPartition, wall: number): void {
    const state = this.#inputs[input]!;
    state.endWall = fetched.nextOffset >= fetched.endOffset ? wall : null;
    state.endOffset = fetched.endOffset;
    if (fetched.records.length > 0 || fetched.nextOffset > state.position) {
      assert(state.fetched === null, 'an input is read on once all that was fetched of it is processed (Q3)');
      state.fetched = fetched;
      state.fetchedAt = wall;
      state.next = 0;
    }
  }

  /** Processes up to `count` records. True when it stopped because the task must settle first. */
  process(count: number): boolean {
    for (let done = 0; done < count; done++) {
      const input = this.#choose();
      if (input < 0) return false;
      const state = this.#inputs[input]!;
      const fetched = state.fetched!;
      const record = fetched.records[state.next];
      if (record === undefined) {
        this.#finish(input, state);
        continue;
      }
      if (this.#hold(input, record)) return false;
      assert(record.offset >= state.position, 'records of an input come in the order of offsets, each once (Q3)');
      state.next++;
      state.position = record.offset + 1;
      state.processed++;
      const settle = this.task.read(input, record, state.fetchedAt);
      if (state.next === fetched.records.length) this.#finish(input, state);
      if (settle) return true;
      if (this.task.busy) return false;
    }
    return false;
  }

  /**
   * Lets the task know that its inputs are at their ends as of when they were last read. True: it must settle, and may not
   * know of all of them yet: each is a step of its own.
   */
  endInputs(): boolean {
    for (const [input, { endWall, fetched }] of this.#inputs.entries()) {
      if (endWall !== null && fetched === null && this.task.end(input, endWall)) return true;
    }
    return false;
  }

  /** Q2. True when the record must wait. */
  #hold(input: number, record: LogRecord): boolean {
    const preparing = this.#prepare[input]?.(record) ?? null;
    if (preparing === null) return false;
    this.#isHeld = true;
    void preparing.then(() => {
      this.#isHeld = false;
    });
    return true;
  }

  #choose(): number {
    let chosen = -1;
    let oldest = Infinity;
    for (let i = 0; i < this.#inputs.length; i++) {
      const { fetched, next } = this.#inputs[i]!;
      if (fetched === null) continue;
      const timestamp = fetched.records[next]?.timestamp ?? -Infinity;
      if (chosen < 0 || timestamp < oldest) {
        chosen = i;
        oldest = timestamp;
      }
    }
    return chosen;
  }

  #finish(input: number, state: QueuedInput): void {
    const { nextOffset } = state.fetched!;
    if (nextOffset > state.position) {
      state.position = nextOffset;
      this.task.skipTo(input, nextOffset);
    }
    state.fetched = null;
  }
}
