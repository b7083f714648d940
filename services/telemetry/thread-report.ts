// What one thread shows of itself, as plain data, and all of them together.
//
// Invariants:
//   R1. A thread beside this one sends its report every REPORT_MS; what is asked of this process is as old as that.
//   R2. A thread of which nothing is heard is known by its silence: its last status keeps the time at which it was made.

import type { MetricsSnapshot } from '../../lib/metrics.ts';
import type { Span } from '../../lib/spans.ts';
import type { EngineMonitor, EngineStatus } from '../../topology/engine/monitor.ts';

/** Fresh enough for whoever scrapes every few seconds, and cheap enough not to be seen. */
export const REPORT_MS = 1_000;

export interface ThreadReport {
  readonly status: EngineStatus;
  readonly metrics: MetricsSnapshot;
  readonly spans: readonly Span[];
}

/** The report of the engine thread that this code runs in. */
export function reportOf(monitor: EngineMonitor): ThreadReport {
  return { status: monitor.status(), metrics: monitor.metrics.snapshot(), spans: monitor.spans?.take() ?? [] };
}

/** What is known of one engine thread; nulls: it has not said anything yet. */
export interface ThreadView {
  /** Its number, from 0. */
  readonly thread: number;
  readonly status: EngineStatus | null;
  readonly metrics: MetricsSnapshot | null;
}

/** The engine threads of this process, whether they run in this thread or beside it. */
export class ThreadReports {
  /** Wall time since which the threads were to be there, ms. */
  readonly since: number;
  readonly #sources: (() => Omit<ThreadView, 'thread'>)[];
  readonly #takeSpans: (spans: readonly Span[]) => void;

  constructor(options: { threads: number; since: number; takeSpans: (spans: readonly Span[]) => void }) {
    this.since = options.since;
    this.#takeSpans = options.takeSpans;
    this.#sources = Array.from({ length: options.threads }, () => () => ({ status: null, metrics: null }));
  }

  /** An engine that runs in this thread, and is asked when somebody wants to know. */
  watch(thread: number, monitor: EngineMonitor): void {
    this.#sources[thread] = () => ({ status: monitor.status(), metrics: monitor.metrics.snapshot() });
  }

  /** A report of a thread beside this one. */
  receive(thread: number, { status, metrics, spans }: ThreadReport): void {
    this.#sources[thread] = () => ({ status, metrics });
    this.#takeSpans(spans);
  }

  /** The thread crashed, and shows nothing until it is there again; `fault`: a code, or a word. */
  lost(thread: number, fault: string): void {
    const { status } = this.#sources[thread]!();
    if (status !== null)
      this.#sources[thread] = () => ({ status: { ...status, polledAt: null, fault }, metrics: null });
  }

  all(): readonly ThreadView[] {
    return this.#sources.map((source, thread) => ({ thread, ...source() }));
  }
}
