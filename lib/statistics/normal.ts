// The normal distribution, as far as intervals need it.

import { assert } from '../assert.ts';
import { chiSquareUpperTail } from './gamma.ts';

/** Each step adds at least some 1 / z on the way to the smallest tail that a double has, z = 38. */
const STEPS_MAX = 1_000;

/**
 * The z below which the standard normal distribution has the probability `p`, 0 < p < 1; by Newton's method, which from 0 comes
 * to it from one side, as the tail is convex.
 */
export function normalQuantile(p: number): number {
  assert(p > 0 && p < 1, 'a probability lies between 0 and 1');
  if (p < 0.5) return -tailQuantile(p);
  return tailQuantile(1 - p);
}

/** The z above which lies the probability `tail`, at most a half. */
function tailQuantile(tail: number): number {
  let z = 0;
  for (let step = 0; step < STEPS_MAX; step++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    // The square of a normal value is distributed as chi-square with one degree of freedom.
    const next = z + (chiSquareUpperTail(z * z, 1) / 2 - tail) / density;
    if (next <= z) return z;
    z = next;
  }
  return z;
}
