// A task's journal: in which order it read its inputs and when it looked at the clock.
//
// Owns: gathering steps between two commits, their bytes. Does not own: walking them again (journal-walk.ts).
//
// Invariants:
//   J1. The steps written in a commit are exactly those whose outputs the commit holds.
//   J2. Each entry says where the task stood before it: where the one before it ended. So none can be missing unnoticed.
//   J3. Replaying the journals of a task over the same inputs gives the same outputs, byte by byte (I1), however the
//       replay batches or commits.

import { RecordError } from '../../lib/errors.ts';
import { avroCodec, type Codec } from '../../schemas/codec.ts';

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

/** Where a task stands between two steps. */
export interface JournalPlace {
  /** By input: offset after the last record read. */
  readonly positions: readonly number[];
  /** Ms; -1: none yet. */
  readonly wall: number;
  readonly streamTime: number;
  /** Version of the rules in force; 0: none was published. */
  readonly rules: number;
}

export interface JournalEntry {
  readonly task: string;
  /** `${topic}/${partition}`, which the steps name by index. */
  readonly inputs: readonly string[];
  readonly steps: readonly JournalStep[];
  /** Where the task stood before the steps; null: written by a version that did not say. */
  readonly from: JournalPlace | null;
}

const present = avroCodec<JournalEntry>('journal');
const first = avroCodec<Omit<JournalEntry, 'from'>>('journal.v1');

export const journalCodec: Codec<JournalEntry> = {
  encode: present.encode,
  decode(bytes) {
    try {
      return present.decode(bytes);
    } catch (error) {
      // What an earlier version wrote ends too early for this one.
      if (!(error instanceof RecordError)) throw error;
      return { ...first.decode(bytes), from: null };
    }
  },
};

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
