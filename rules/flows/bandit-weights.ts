// The weights of a bandit: each arm gets as much as it is probable to be the best one (Thompson sampling), so that few are given
// what is worse while it is found out which one that is.
//
// Owns: weights from counts. Does not own: who is counted, when weights are made anew and recorded.
//
// Invariants:
//   T1. The same counts give the same weights, on every machine: nothing is drawn.
//   T2. No arm has less than FLOOR, so that one that was unlucky at first, or becomes better later, is seen to be.
//   T3. Until each arm has WARM_UP_TRIALS all have the same.

import { assert } from '../../lib/assert.ts';
import { probabilitiesOfBest } from '../../lib/statistics/best-arm.ts';
import { posteriorOf } from '../../lib/statistics/beta.ts';

export interface Arm {
  /** Entities that were assigned it. */
  readonly trials: number;
  /** Those of them that reached the reward. */
  readonly rewards: number;
}

/** With as many arms as there may be, a tenth of all entities is spent on what may yet turn out better. */
const FLOOR = 0.01;
const ARMS_MAX = 10;
/** Below it rates are so uncertain that the first few rewards would decide. */
const WARM_UP_TRIALS = 100;

/** In the order of the arms, adding up to 1. */
export function banditWeights(arms: readonly Arm[]): number[] {
  assert(arms.length > 0 && arms.length <= ARMS_MAX, `a bandit has 1 to ${ARMS_MAX} arms`);
  if (arms.some(({ trials }) => trials < WARM_UP_TRIALS)) return arms.map(() => 1 / arms.length);
  return withFloor(probabilitiesOfBest(arms.map(({ rewards, trials }) => posteriorOf(rewards, trials))));
}

/** Raises to the floor what lies below it, and takes that from the others in proportion, of which none may fall below then. */
function withFloor(shares: readonly number[]): number[] {
  const raised = new Set<number>();
  for (;;) {
    const rest = shares.reduce((sum, share, i) => (raised.has(i) ? sum : sum + share), 0);
    const scale = (1 - FLOOR * raised.size) / rest;
    const low = shares.flatMap((share, i) => (!raised.has(i) && share * scale < FLOOR ? [i] : []));
    if (low.length === 0) return shares.map((share, i) => (raised.has(i) ? FLOOR : share * scale));
    for (const i of low) raised.add(i);
  }
}
