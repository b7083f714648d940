// What an engine thread shows of itself: figures, and whether it has joined, restored and polls. The runtime writes it,
// /metrics, /health and the log read it.
//
// Owns: the state and its words in the log. Does not own: what is made of it outside (services/telemetry, apps/health).
//
// Invariants:
//   O1. Nothing here changes what the engine writes (I1): outputs are the same with and without a reader.

import type { Clock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { EngineError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Histogram, Metrics, SIZE_BOUNDS } from '../../lib/metrics.ts';
import type { Spans } from '../../lib/spans.ts';
import { TurnSpan } from './turn-span.ts';

export interface EngineMonitorOptions {
  readonly clock: Clock;
  readonly counters?: Counters;
  /** Told of restores and rebalances. */
  readonly logger?: Logger;
  /** Where spans go; left out: nobody traces. */
  readonly spans?: Spans;
}

/** A task that reads its changelog. */
export interface RestoringTask {
  readonly task: string;
  /** Changelog offsets still to be read. */
  readonly remaining: number;
}

/** The state of an engine thread as plain data, which can cross to another thread. */
export interface EngineStatus {
  /** Wall time of the last thing that its loop did, ms. */
  readonly aliveAt: number;
  /** Wall time of the last poll that ended well, ms; null: none since it was opened. */
  readonly polledAt: number | null;
  /** Whether it knows which tasks are its own. */
  readonly joined: boolean;
  /** Active tasks that cannot run yet. */
  readonly restoring: readonly RestoringTask[];
  /** Why it was closed and is opened anew; null while it runs. */
  readonly fault: string | null;
}

/** Reports on one task's restore; call end() also when it is given up. */
export interface RestoreProgress {
  /** So many records and bytes came, and so many changelog offsets are still to be read. */
  advance(records: number, bytes: number, remaining: number): void;
  end(): void;
}

export interface Rebalance {
  /** From the first sign of it until the assignment held, ms. */
  readonly durationMs: number;
  readonly activeTasks: number;
  readonly standbyTasks: number;
}

/** A long restore says how it goes this often. */
const RESTORE_REPORT_MS = 5_000;

export class EngineMonitor {
  readonly metrics: Metrics;
  readonly spans: Spans | null;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #restoring = new Map<string, number>();
  readonly #commitLatency: Histogram;
  readonly #commitRecords: Histogram;
  #aliveAt: number;
  #polledAt: number | null = null;
  #joined = true;
  #fault: string | null = null;

  constructor({ clock, counters, logger, spans }: EngineMonitorOptions) {
    this.spans = spans ?? null;
    this.metrics = new Metrics(counters);
    this.#clock = clock;
    this.#logger = logger;
    this.#aliveAt = clock.now();
    this.#commitLatency = this.metrics.histogram('commit-latency');
    this.#commitRecords = this.metrics.histogram('commit-records', {}, SIZE_BOUNDS);
  }

  /** Something that an operator should mend, though the engine goes on. */
  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#logger?.warn(fields, message);
  }

  /** The loop did something, such as trying again: it does not hang. */
  alive(): void {
    this.#aliveAt = this.#clock.now();
  }

  /** The spans of the turn that begins; null when it is not one of those that are traced. */
  turn(): TurnSpan | null {
    return this.spans?.sample() ? new TurnSpan(this.spans, this.#clock) : null;
  }

  /** A poll ended well. */
  polled(): void {
    this.#aliveAt = this.#clock.now();
    this.#polledAt = this.#aliveAt;
    this.#fault = null;
  }

  /** The engine was closed for this and is opened anew after a while. */
  faulted(error: unknown): void {
    this.alive();
    this.#polledAt = null;
    this.#fault = error instanceof EngineError ? error.code : 'unexpected';
    this.metrics.counters.add('engine-restart', { reason: this.#fault });
  }

  /** It asks the group for its tasks and has no answer yet. */
  joining(): void {
    this.alive();
    this.#joined = false;
  }

  /** The group has answered: from now on these are its tasks. */
  rebalanced({ durationMs, activeTasks, standbyTasks }: Rebalance): void {
    this.alive();
    this.#joined = true;
    this.tasks(activeTasks, standbyTasks);
    this.metrics.counters.add('rebalance');
    this.metrics.histogram('rebalance-latency').record(durationMs);
    this.#logger?.info({ durationMs, activeTasks, standbyTasks }, 'rebalanced');
  }

  /** How many tasks it has. */
  tasks(active: number, standby: number): void {
    this.metrics.gauge('tasks', { kind: 'active' }).set(active);
    this.metrics.gauge('tasks', { kind: 'standby' }).set(standby);
  }

  /** A commit ended well. */
  committed(latencyMs: number, records: number): void {
    this.#commitLatency.record(latencyMs);
    this.#commitRecords.record(records);
  }

  /**
   * An active task starts to read its changelog, with so many offsets to go, at offset `from`: 0 is where nothing of its
   * state was here. A standby's lag is no restore.
   */
  restoring(task: string, remaining: number, from: number): RestoreProgress {
    const labels = { task };
    const remainingGauge = this.metrics.gauge('restore-remaining', labels);
    const began = this.#clock.now();
    let reported = began;
    let records = 0;
    let allBytes = 0;
    const { counters } = this.metrics;
    const show = (left: number): void => {
      this.alive();
      this.#restoring.set(task, left);
      remainingGauge.set(left);
    };
    show(remaining);
    return {
      advance: (more, bytes, left) => {
        records += more;
        allBytes += bytes;
        counters.add('restored-records', undefined, more);
        counters.add('restored-bytes', undefined, bytes);
        show(left);
        const now = this.#clock.now();
        if (now - reported < RESTORE_REPORT_MS) return;
        reported = now;
        const fields = { task, records, remaining: left, recordsPerSecond: perSecond(records, now - began) };
        this.#logger?.info(fields, 'restoring state from its changelog');
      },
      end: () => {
        if (!this.#restoring.delete(task)) return;
        this.metrics.removeGauge('restore-remaining', labels);
        if (records === 0) return;
        const ms = this.#clock.now() - began;
        const fields = { task, from, records, bytes: allBytes, ms, recordsPerSecond: perSecond(records, ms) };
        this.#logger?.info(fields, 'state restored from its changelog');
      },
    };
  }

  status(): EngineStatus {
    return {
      aliveAt: this.#aliveAt,
      polledAt: this.#polledAt,
      joined: this.#joined,
      restoring: Array.from(this.#restoring, ([task, remaining]) => ({ task, remaining })),
      fault: this.#fault,
    };
  }
}

function perSecond(count: number, ms: number): number {
  return Math.round((count * 1_000) / Math.max(1, ms));
}
