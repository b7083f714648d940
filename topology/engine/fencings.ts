// Whether a member that lost its place to another of its instance id has a rival, or only met itself.
//
// A join whose answer was lost is sent again, and what an engine's last life asked for may reach the group after what the
// next one asks: the group then takes a member for a newer one of the same name, and fences the one that is alive. That
// is over with the next join. A second worker under the same name comes back each time.

import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';

/** More often than this within the window, and it is a rival. */
const FENCINGS_MAX = 4;
const WINDOW_MS = 60_000;

export class Fencings {
  readonly #clock: Clock;
  #fencedAt: readonly number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether joining once more may help after this error. */
  mayJoinAgain(error: unknown): boolean {
    if (!(error instanceof FatalError && error.code === 'TRG_INSTANCE_FENCED')) return false;
    const now = this.#clock.now();
    this.#fencedAt = [...this.#fencedAt.filter((at) => now - at < WINDOW_MS), now];
    return this.#fencedAt.length <= FENCINGS_MAX;
  }
}
