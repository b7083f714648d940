// The spans of one turn of an engine: how long it waited for records, processed them, committed.

import type { Clock } from '../../lib/clock.ts';
import type { Spans } from '../../lib/spans.ts';

interface Part {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

export class TurnSpan {
  readonly #spans: Spans;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #parts: Part[] = [];
  #partStartMs: number;

  constructor(spans: Spans, clock: Clock) {
    this.#spans = spans;
    this.#clock = clock;
    this.#startMs = clock.now();
    this.#partStartMs = this.#startMs;
  }

  /** What was done since the last part, or the beginning, is called so. */
  part(name: 'poll' | 'process' | 'commit'): void {
    const endMs = this.#clock.now();
    this.#parts.push({ name, startMs: this.#partStartMs, endMs });
    this.#partStartMs = endMs;
  }

  /** The turn did something worth a trace. */
  end(): void {
    const spans = this.#spans;
    const traceId = spans.newTraceId();
    const root = spans.newSpanId();
    const common = { kind: 'internal', traceId, attributes: {}, failed: false } as const;
    const endMs = this.#partStartMs;
    spans.add({ ...common, name: 'turn', spanId: root, parentSpanId: null, startMs: this.#startMs, endMs });
    for (const part of this.#parts) spans.add({ ...common, ...part, spanId: spans.newSpanId(), parentSpanId: root });
  }
}
