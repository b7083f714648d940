// A task's journal: in which order it read its inputs and when it looked at the clock.
//
// Owns: gathering steps between two commits, their bytes. Does not own: walking them again (journal-walk.ts).
//
// Invariants:
//   J1. The steps written in a commit are exactly those whose outputs the commit holds.
//   J2. Replaying the journals of a task over the same inputs gives the same outputs, byte by byte (I1), however the
//       replay batches or commits.

import { avroCodec } from '../../schemas/codec.ts';

/**
 * read: records of this input up to offset `value` (exclusive). end: the input had been read to its end as of wall time
 * `value`. wall: the clock said `value`. rules: from here on version `value` of the rules is in force.
 */
export interface JournalStep {
  readonly kind: 'read' | 'end' | 'wall' | 'rules';
  /** Index among the task's inputs; -1 for wall and rules. */
  readonly input: number;
  readonly value: number;
}

export interface JournalEntry {
  readonly task: string;
  /** `${topic}/${partition}`, which the steps name by index. */
  readonly inputs: readonly string[];
  readonly steps: readonly JournalStep[];
}

export const journalCodec = avroCodec<JournalEntry>('journal');

export class JournalWriter {
  #steps: { kind: JournalStep['kind']; input: number; value: number }[] = [];

  /** Adds a step; reads of one input in a row are one step. */
  add(kind: JournalStep['kind'], input: number, value: number): void {
    const last = this.#steps.at(-1);
    if (kind === 'read' && last?.kind === 'read' && last.input === input) last.value = value;
    else this.#steps.push({ kind, input, value });
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** The steps since the last take. */
  take(): readonly JournalStep[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }
}
