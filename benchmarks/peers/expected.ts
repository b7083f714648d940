// The actions that the job `absence` must give, found by looking at each cart and at what its user did in the day after,
// without state or timers; and how those that a peer wrote compare with them.

import type { PeerAction } from './peer.ts';

const DAY_MS = 86_400_000;

/** Of one user, in order of time. */
interface Doings {
  readonly carts: number[];
  readonly purchases: number[];
}

export class Expected {
  readonly #users = new Map<string, Doings>();
  #bound = -Infinity;

  /** No two events of a user have the same time. */
  see(userId: string, event: string, time: number): void {
    if (event !== 'add_to_cart' && event !== 'purchase') return;
    let doings = this.#users.get(userId);
    if (doings === undefined) this.#users.set(userId, (doings = { carts: [], purchases: [] }));
    (event === 'purchase' ? doings.purchases : doings.carts).push(time);
  }

  /**
   * Only deadlines before it count, ms: event time every peer has passed in every partition by the end of the input. What
   * fires after it depends on when one looks: Tripline's time goes on with the clock, that of others stands still.
   */
  set bound(bound: number) {
    this.#bound = bound;
  }

  compare(actions: Iterable<PeerAction>): ActionCount {
    const expected = new Set(this.#all());
    const written = new Set<string>();
    let all = 0;
    for (const { user, at } of actions) {
      if (at >= this.#bound) continue;
      all++;
      written.add(idOf(user, at));
    }
    return {
      expected: expected.size,
      written: all,
      missing: [...expected].filter((id) => !written.has(id)).length,
      wrong: [...written].filter((id) => !expected.has(id)).length,
    };
  }

  *#all(): Generator<string> {
    for (const [user, { carts, purchases }] of this.#users) {
      for (const cart of carts) {
        const isInTime = (time: number): boolean => time > cart && time <= cart + DAY_MS;
        if (cart + DAY_MS >= this.#bound || carts.some(isInTime) || purchases.some(isInTime)) continue;
        yield idOf(user, cart + DAY_MS);
      }
    }
  }
}

export interface ActionCount {
  readonly expected: number;
  /** Also those that came twice. */
  readonly written: number;
  /** Expected, and not written. */
  readonly missing: number;
  /** Written, and not expected; each once. */
  readonly wrong: number;
}

function idOf(user: string, at: number): string {
  return `${user} ${at}`;
}
