// Notices that topics have grown: tasks are planned from partition counts.
//
// Owns: asking now and then. What to do about it is decided where tasks are planned (tasks.ts), when all is opened anew.

import type { Clock } from '../../lib/clock.ts';
import { RetryableError } from '../../lib/errors.ts';
import type { LogAdmin } from './ports.ts';

/** One request of each thread; a topic rarely grows, and what grew is read half a minute later. */
const INTERVAL_MS = 30_000;

export class TopicWatch {
  readonly #admin: LogAdmin;
  readonly #clock: Clock;
  readonly #planned: ReadonlyMap<string, number>;
  #askedAt: number;
  #change: RetryableError | null = null;

  /** `planned`: partition counts of the topics that tasks were planned from. */
  constructor(admin: LogAdmin, clock: Clock, planned: ReadonlyMap<string, number>) {
    this.#admin = admin;
    this.#clock = clock;
    this.#planned = planned;
    this.#askedAt = clock.now();
  }

  /** Throws RetryableError TRG_TOPIC_CHANGED once a topic has another partition count than planned. */
  check(): void {
    if (this.#change !== null) throw this.#change;
    const now = this.#clock.now();
    if (now - this.#askedAt < INTERVAL_MS) return;
    this.#askedAt = now;
    // A cluster that does not answer is noticed by those who need its answer.
    void this.#compare().catch(() => {});
  }

  async #compare(): Promise<void> {
    const counts = await this.#admin.topics();
    for (const [topic, planned] of this.#planned) {
      const count = counts.get(topic);
      if (count === undefined || count === planned) continue;
      const message = `topic ${topic} has ${count} partitions now, not ${planned}: tasks are planned anew`;
      this.#change = new RetryableError('TRG_TOPIC_CHANGED', message, { topic, partitions: count });
    }
  }
}
