// What has been fetched for one task and not yet processed, and which of it comes next.
//
// Owns: the live choice of a task's steps. A replay takes them from the journal instead.
//
// Invariants:
//   Q1. Of several inputs with records, the one whose next record is the oldest goes first; of equals, the first input.

import type { FetchedPartition } from '../ports.ts';
import type { Task } from './task.ts';

interface QueuedInput {
  fetched: FetchedPartition | null;
  /** Index of the next record of `fetched`. */
  next: number;
  /** Offset after the last record processed; what a commit writes. */
  position: number;
  /** Wall time as of which the input was read to its end; null while unread records remain. */
  endWall: number | null;
}

export class TaskQueue {
  readonly task: Task;
  readonly #inputs: QueuedInput[];

  constructor(task: Task, positions: readonly number[]) {
    this.task = task;
    this.#inputs = positions.map((position) => ({ fetched: null, next: 0, position, endWall: null }));
  }

  /** Offsets after the last records processed, by input. */
  get positions(): readonly number[] {
    return this.#inputs.map((input) => input.position);
  }

  get isEmpty(): boolean {
    return this.#inputs.every((input) => input.fetched === null);
  }

  /** Whether all inputs were read to their end. */
  get isAtEnd(): boolean {
    return this.#inputs.every((input) => input.endWall !== null);
  }

  /** Takes what was fetched for an input; `wall` is the time at which the fetch began. */
  add(input: number, fetched: FetchedPartition, wall: number): void {
    const state = this.#inputs[input]!;
    state.endWall = fetched.nextOffset >= fetched.endOffset ? wall : null;
    if (fetched.records.length > 0 || fetched.nextOffset > state.position) {
      state.fetched = fetched;
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
      state.next++;
      state.position = record.offset + 1;
      const settle = this.task.read(input, record);
      if (state.next === fetched.records.length) this.#finish(input, state);
      if (settle) return true;
      if (this.task.busy) return false;
    }
    return false;
  }

  /** Lets the task know that its inputs are at their ends as of when they were last read. True: it must settle. */
  endInputs(): boolean {
    let settle = false;
    this.#inputs.forEach((state, input) => {
      if (state.endWall !== null && state.fetched === null) settle = this.task.end(input, state.endWall) || settle;
    });
    return settle;
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
