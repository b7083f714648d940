// The faults of a chaos run, and which come when, by seed.
//
// Owns: the plan. Does not own: carrying it out (injector.ts).
//
// Invariants:
//   G1. Three tracks, for workers, brokers and the network, go on side by side; within a track one fault follows the other,
//       so that at most one broker is down at a time.
//   G2. Every kind of fault comes once before any comes again.

import { type Rng, seededRng } from '../../lib/rng.ts';
import { API_KEYS, type LostHalf } from '../../testing/kafka/proxy.ts';

export type Fault =
  | { readonly kind: 'kill' | 'freeze' | 'restart'; readonly worker: number; readonly ms: number }
  /** `broker` null: the one that coordinates the group of the workers. */
  | { readonly kind: 'kill-broker' | 'bounce-broker'; readonly broker: number | null; readonly ms: number }
  /** `proxy` null: all of them. */
  | { readonly kind: 'slow'; readonly proxy: number | null; readonly ms: number; readonly delayMs: number }
  | { readonly kind: 'throttle'; readonly proxy: number | null; readonly ms: number; readonly bytesPerSecond: number }
  | { readonly kind: 'hole' | 'refuse'; readonly proxy: number | null; readonly ms: number }
  | { readonly kind: 'cut'; readonly proxy: number | null; readonly ms: number; readonly times: number }
  | { readonly kind: 'lose'; readonly api: keyof typeof API_KEYS; readonly half: LostHalf; readonly ms: number };

/** A fault and the pause after it, ms. */
export interface Planned {
  readonly fault: Fault;
  readonly pauseMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly workers: number;
  readonly brokers: number;
  /** A member that was silent for so long is thrown out of its group. */
  readonly sessionTimeoutMs: number;
}

/** The faults of each track, one after the other, without end. */
export function planFaults(options: PlanOptions): readonly Generator<Planned>[] {
  return [workerFaults, brokerFaults, networkFaults].map((track, number) =>
    track(options, seededRng(options.seed * 31 + number)),
  );
}

function* workerFaults({ workers, sessionTimeoutMs }: PlanOptions, rng: Rng): Generator<Planned> {
  const draw = (): Fault[] => [
    { kind: 'kill', worker: below(rng, workers), ms: below(rng, 2_000) },
    { kind: 'freeze', worker: below(rng, workers), ms: sessionTimeoutMs + 1_000 + below(rng, 2_000) },
    { kind: 'restart', worker: below(rng, workers), ms: below(rng, 1_000) },
  ];
  yield* inTurn(draw, rng, 2_000);
}

function* brokerFaults({ brokers }: PlanOptions, rng: Rng): Generator<Planned> {
  const draw = (): Fault[] => [
    { kind: 'kill-broker', broker: null, ms: 1_000 + below(rng, 3_000) },
    { kind: 'bounce-broker', broker: below(rng, brokers), ms: below(rng, 1_000) },
    { kind: 'kill-broker', broker: below(rng, brokers), ms: below(rng, 5_000) },
  ];
  yield* inTurn(draw, rng, 4_000);
}

function* networkFaults({ brokers }: PlanOptions, rng: Rng): Generator<Planned> {
  const proxy = (): number | null => (rng.next() < 0.3 ? null : below(rng, brokers));
  const lost = Object.keys(API_KEYS) as (keyof typeof API_KEYS)[];
  const draw = (): Fault[] => [
    { kind: 'lose', api: 'endTxn', half: 'answer', ms: 1_000 },
    { kind: 'lose', api: 'endTxn', half: 'request', ms: 1_000 },
    { kind: 'lose', api: lost[below(rng, lost.length)]!, half: 'answer', ms: 1_000 },
    { kind: 'slow', proxy: proxy(), ms: 1_000 + below(rng, 3_000), delayMs: 20 + below(rng, 200) },
    { kind: 'throttle', proxy: proxy(), ms: 1_000 + below(rng, 3_000), bytesPerSecond: 10_000 + below(rng, 100_000) },
    { kind: 'hole', proxy: proxy(), ms: 1_000 + below(rng, 4_000) },
    { kind: 'refuse', proxy: proxy(), ms: 500 + below(rng, 2_000) },
    { kind: 'cut', proxy: proxy(), ms: 100 + below(rng, 500), times: 1 + below(rng, 5) },
  ];
  yield* inTurn(draw, rng, 1_500);
}

/** Each of those drawn once, in any order, over and over (G2). */
function* inTurn(draw: () => Fault[], rng: Rng, pauseMs: number): Generator<Planned> {
  for (;;) {
    const left = draw();
    while (left.length > 0) {
      const [fault] = left.splice(below(rng, left.length), 1);
      yield { fault: fault!, pauseMs: below(rng, pauseMs) };
    }
  }
}

function below(rng: Rng, bound: number): number {
  return Math.floor(rng.next() * bound);
}
