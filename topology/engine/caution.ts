// What an engine thread does after the first failure of a record's processing that is none of the record's own: from then on
// each step is made so that it can be taken back.
//
// Owns: whether steps are, which are passed over, and saying what failed, not more than once a minute. Does not own: taking them back
// (CachedDocumentStore.undo, Committer.undo), what becomes of the record (task.ts).
//
// A connector's processors remember more than documents, sends under way for instance, so that no step of theirs can be taken back:
// there the engine starts again, and what failed is remembered and passed over, unprocessed, the next time.
//
// Before that nobody pays for it: the first failure costs a restart of the engine from its last commit, and the step that failed
// is then made again. It outlives the engine's lives, so that a record never fails a second life.

import type { Clock } from '../../lib/clock.ts';
import { type ErrorFields, errorName } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

const REPORT_EVERY_MS = 60_000;
/** Each costs a restart: a process that has met so many has other troubles. */
const AVOIDED_MAX = 1_000;

export class Caution {
  readonly #clock: Clock | null;
  readonly #logger: Logger | null;
  readonly #avoided = new Set<string>();
  #isOn = false;
  #reportedAt = -Infinity;
  #unreported = 0;

  /** Without a clock nobody is told of failures: where steps are made once more that a worker has made. */
  constructor(clock: Clock | null, logger: Logger | null) {
    this.#clock = clock;
    this.#logger = logger;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  turnOn(): void {
    this.#isOn = true;
  }

  /** From now on it is passed over: a record by its place, a document that is due by its task and key. */
  avoid(what: string): void {
    this.#avoided.add(what);
    for (const oldest of this.#avoided) {
      if (this.#avoided.size <= AVOIDED_MAX) return;
      this.#avoided.delete(oldest);
    }
  }

  /** Whether anything is passed over: most processes never come to it, and make no names to ask by. */
  get avoidsAny(): boolean {
    return this.#avoided.size > 0;
  }

  avoids(what: string): boolean {
    return this.#avoided.has(what);
  }

  /** Logs a failure, with its stack, and how many there were since the last that was logged. */
  report(error: unknown, where: ErrorFields): void {
    if (this.#clock === null) return;
    const now = this.#clock.now();
    if (now - this.#reportedAt < REPORT_EVERY_MS) {
      this.#unreported++;
      return;
    }
    this.#reportedAt = now;
    const alike = this.#unreported;
    this.#unreported = 0;
    const stack = error instanceof Error ? stackOf(error) : '';
    this.#logger?.error({ ...where, error: errorName(error), stack, unreported: alike }, MESSAGE);
  }
}

const MESSAGE = 'processing failed by a bug: what was being processed is passed over, please report it';

/** Without the message, which may quote somebody's data. */
function stackOf(error: Error): string {
  const stack = error.stack ?? '';
  return stack.slice(stack.indexOf('\n    at ') + 1);
}
