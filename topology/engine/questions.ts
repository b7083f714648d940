// Questions to the tasks of an engine thread: what is remembered under a key, and where the tasks stand.
//
// Owns: those that wait, and answering them between two turns of the engine's loop. Does not own: whom to ask (services/live),
// what a document means (its spec).
//
// Invariants:
//   Q1. Answers are as of now: they hold what the next commit will write.
//   Q2. An answer changes nothing: not what is written (I1), not what is at hand, not what a figure counts.
//   Q3. What waits is bounded (WAITING_MAX), and so is what is answered in one turn (ANSWERS_A_TURN): a look-up is one read of
//       each task's database, some hundredths of a millisecond.
//   Q4. Without a question it costs one comparison a turn.

import { RetryableError } from '../../lib/errors.ts';
import type { Task } from './task.ts';
import type { TaskSpec } from './tasks.ts';

export interface LookUp {
  /** Name of the sub-topology. */
  readonly part: string;
  /** Of the document; null: only where the tasks stand. */
  readonly key: string | null;
}

export interface TaskStanding {
  readonly task: string;
  readonly partition: number;
  /** Version of the rules that it evaluates with; 0: none was published. */
  readonly rules: number;
  /** Ms; -1: it has none yet. */
  readonly streamTime: number;
}

export interface FoundDocument {
  readonly task: string;
  readonly rules: number;
  /** As it is stored: its due time (float64, big-endian), then its own bytes. */
  readonly value: Uint8Array;
}

export interface LookUpAnswer {
  /** Of the part, that run in this thread. */
  readonly tasks: readonly TaskStanding[];
  /** Partitions of the part whose tasks are about to run in this thread: their state is being restored. */
  readonly opening: readonly number[];
  /** Whether the thread knows which tasks are its own. */
  readonly isSettled: boolean;
  /** Under the key, in as many tasks as have it. */
  readonly found: readonly FoundDocument[];
}

/** What the engine thread tells of itself to be answered from. */
export interface AnswerSource {
  readonly tasks: readonly Task[];
  readonly opening: readonly TaskSpec[];
  readonly isSettled: boolean;
}

interface Waiting {
  readonly lookUp: LookUp;
  readonly resolve: (answer: LookUpAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** As many as a few people and programs ask at a time; more are told to come again (Q3). */
const WAITING_MAX = 64;
/** They take less than a millisecond of a turn (Q3). */
const ANSWERS_A_TURN = 16;

export class Questions {
  #waiting: Waiting[] = [];
  #wake: () => void = () => {};
  #isClosed = false;

  /** Answered in the next turn of the loop. Throws RetryableError TRG_WORKER_BUSY, TRG_TASK_MOVING. */
  ask(lookUp: LookUp): Promise<LookUpAnswer> {
    if (this.#isClosed) return Promise.reject(stopping());
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new RetryableError('TRG_WORKER_BUSY', 'too many questions wait for an engine thread'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lookUp, resolve, reject });
      this.#wake();
    });
  }

  get isAny(): boolean {
    return this.#waiting.length > 0;
  }

  /** `wake` ends the wait of the engine that answers from now on. */
  servedBy(wake: () => void): void {
    this.#wake = wake;
  }

  /** To be called between two turns (Q3). */
  answer(source: AnswerSource): void {
    for (const { lookUp, resolve, reject } of this.#waiting.splice(0, ANSWERS_A_TURN)) {
      try {
        resolve(answerFrom(source, lookUp));
      } catch (error) {
        // A damaged database: the engine comes to it by itself.
        reject(error as Error);
      }
    }
    if (this.isAny) this.#wake();
  }

  /** Refuses all questions from now on. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
  }
}

function answerFrom({ tasks, opening, isSettled }: AnswerSource, { part, key }: LookUp): LookUpAnswer {
  const ofPart = tasks.filter((task) => task.part.name === part);
  const standings = ofPart.map(({ id: task, partition, version: rules, streamTime }) => {
    return { task, partition, rules, streamTime };
  });
  const found = ofPart.flatMap((task) => {
    const value = key === null ? undefined : task.lookUp(key);
    return value === undefined ? [] : [{ task: task.id, rules: task.version, value }];
  });
  const partitions = opening.filter((spec) => spec.part.name === part).map(({ partition }) => partition);
  return { tasks: standings, opening: partitions, isSettled, found };
}

function stopping(): RetryableError {
  return new RetryableError('TRG_TASK_MOVING', 'this worker is stopping');
}
