// Spans of one thread: what took how long, for traces. Kept until somebody takes them, at most SPANS_MAX.
//
// Owns: sampling, ids of spans that nothing else names, the buffer. Does not own: exporting (services/telemetry), the header
// that joins traces (schemas/trace.ts).
//
// Invariants:
//   S1. A trace that came from outside is kept or not as whoever began it decided; one begun here as `sampleRatio` says.
//   S2. Bounded: what is not taken in time is dropped and counted.
//   S3. Ids made here are random and never reach what the engine writes; what it writes has ids that follow from its
//       input (docs/design.md, I1).

import type { Rng } from './rng.ts';

export type SpanKind = 'internal' | 'server' | 'client';

/** Few, and never user data. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span that has ended, as plain data, which can cross to another thread. */
export interface Span {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it begins the trace. */
  readonly parentSpanId: string | null;
  /** Wall time, ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  readonly failed: boolean;
}

/** As many as a busy thread makes between two takes, at a megabyte or so. */
export const SPANS_MAX = 4_096;

export class Spans {
  readonly #rng: Rng;
  readonly #sampleRatio: number;
  #ended: Span[] = [];
  #dropped = 0;

  /** `sampleRatio`: of the traces that begin here, from 0 to 1. */
  constructor(options: { readonly rng: Rng; readonly sampleRatio: number }) {
    this.#rng = options.rng;
    this.#sampleRatio = options.sampleRatio;
  }

  /** Whether a trace that begins here is to be kept (S1). */
  sample(): boolean {
    return this.#sampleRatio > 0 && this.#rng.next() < this.#sampleRatio;
  }

  newTraceId(): string {
    return this.#hex() + this.#hex() + this.#hex() + this.#hex();
  }

  newSpanId(): string {
    return this.#hex() + this.#hex();
  }

  add(span: Span): void {
    if (this.#ended.length < SPANS_MAX) this.#ended.push(span);
    else this.#dropped++;
  }

  /** What has ended since the last call. */
  take(): readonly Span[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** How many were dropped so far (S2). */
  get dropped(): number {
    return this.#dropped;
  }

  /** Eight digits, never all zeros. */
  #hex(): string {
    return (1 + Math.floor(this.#rng.next() * 0xffff_ffff)).toString(16).padStart(8, '0');
  }
}
