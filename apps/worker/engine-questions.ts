// Asks the engine threads of this process what their tasks know.
//
// Invariants:
//   E1. An answer is that of all threads, or an error: what one of them knows is never taken for all there is.
//   E2. A thread that is busy with a long step is given ANSWER_MS, and then up.

import type { Clock } from '../../lib/clock.ts';
import { RetryableError } from '../../lib/errors.ts';
import { TimeLimitError, withinTime } from '../../lib/time-limit.ts';
import type { LiveTasks } from '../../services/service-context.ts';
import type { LookUp, LookUpAnswer } from '../../topology/engine/questions.ts';

type Ask = (lookUp: LookUp) => Promise<LookUpAnswer>;

const ANSWER_MS = 5_000;

export class EngineQuestions implements LiveTasks {
  readonly #count: number;
  readonly #clock: Clock;
  /** By thread. */
  readonly #threads = new Map<number, Ask>();

  /** `count`: how many threads there are to be. */
  constructor(count: number, clock: Clock) {
    this.#count = count;
    this.#clock = clock;
  }

  /** From now on this thread is asked; returns what ends that. */
  attach(index: number, ask: Ask): () => void {
    this.#threads.set(index, ask);
    return () => {
      if (this.#threads.get(index) === ask) this.#threads.delete(index);
    };
  }

  async lookUp(lookUp: LookUp, signal: AbortSignal): Promise<LookUpAnswer> {
    if (this.#threads.size < this.#count) {
      throw new RetryableError('TRG_TASK_MOVING', 'an engine thread of this worker is starting');
    }
    try {
      const answers = await withinTime(this.#clock, ANSWER_MS, signal, () => {
        return Promise.all([...this.#threads.values()].map((ask) => ask(lookUp)));
      });
      return {
        tasks: answers.flatMap(({ tasks }) => tasks),
        opening: answers.flatMap(({ opening }) => opening),
        isSettled: answers.every(({ isSettled }) => isSettled),
        found: answers.flatMap(({ found }) => found),
      };
    } catch (error) {
      if (!(error instanceof TimeLimitError)) throw error;
      const text = `an engine thread did not come to a question within ${ANSWER_MS / 1_000} s: it is busy`;
      throw new RetryableError('TRG_WORKER_BUSY', text);
    }
  }
}
