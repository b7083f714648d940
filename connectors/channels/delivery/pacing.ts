// How long the next message of a task has to wait: for the channel's rate, and for the pace of its rule.
//
// Invariants:
//   P1. Buckets of rules are bounded: of RULES_MAX rules with a pace the one used longest ago goes.

import type { Action } from '../../../schemas/action.ts';
import { Bucket, type Pace, rateAt } from './rate.ts';

export interface PacingOptions {
  readonly pace: Pace;
  /** Of the channel's topic: so many tasks share the rate. */
  readonly partitions: number;
}

const RULES_MAX = 1_000;

export class Pacing {
  readonly #options: PacingOptions;
  readonly #channel = new Bucket();
  readonly #rules = new Map<string, Bucket>();

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /** Until the next message may go, ms; 0: it may, and is counted. */
  waitMs(now: number): number {
    const perSecond = rateAt(this.#options.pace, now);
    return perSecond === null ? 0 : this.#channel.take(perSecond / this.#options.partitions, now);
  }

  /** Until this message's turn by the pace of its rule, ms; it is counted, also when it has to wait. */
  paceMs({ rule, ratePerSecond }: Action, now: number): number {
    if (ratePerSecond === null) return 0;
    let bucket = this.#rules.get(rule);
    this.#rules.delete(rule);
    bucket ??= new Bucket();
    this.#rules.set(rule, bucket);
    const [oldest] = this.#rules.keys();
    if (this.#rules.size > RULES_MAX) this.#rules.delete(oldest!);
    return bucket.reserve(ratePerSecond / this.#options.partitions, now);
  }
}
