// How large the databases of this thread's tasks are, asked of LevelDB now and then.

import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { LevelStore } from '../../state/store/level-store.ts';

/** LevelDB answers from memory, but state grows slowly. */
const INTERVAL_MS = 15_000;

export class StateSizes {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #stores = new Map<string, LevelStore>();

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** Watches the task's database until it is closed; returns it. */
  watch(task: string, store: LevelStore): LevelStore {
    this.#stores.set(task, store);
    return store;
  }

  /** Measures until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [task, store] of this.#stores) await this.#measure(task, store);
      await this.#clock.sleep(INTERVAL_MS, signal);
    }
  }

  async #measure(task: string, store: LevelStore): Promise<void> {
    const bytes = await store.diskBytes();
    if (this.#stores.get(task) !== store) return;
    if (bytes !== null) {
      this.#metrics.gauge('state-size', { task }).set(bytes);
      return;
    }
    this.#stores.delete(task);
    this.#metrics.removeGauge('state-size', { task });
  }
}
