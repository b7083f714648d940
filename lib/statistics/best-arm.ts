// How probable it is of each of several rates that it is the highest: the shares by which Thompson sampling chooses.
//
// Owns: the probabilities. Does not own: what is made of them.
//
// Arm k is best with the probability ∫ f_k(x) Π_(j ≠ k) F_j(x) dx over the posteriors. Drawing from them would give it too, but
// not twice the same, and two digits only; integrals are the same everywhere and good to ten digits.
//
// Invariants:
//   Q1. The probabilities add up to 1, and equal arms have equal ones.

import { assert } from '../assert.ts';
import { type Beta, betaDensity, betaDeviation, betaMean } from './beta.ts';
import { PANEL } from './quadrature.ts';

/** Where panels begin and end, in deviations from the mean of each arm: beyond 40 even the longest tail (e^-x) is below 1e-17. */
const EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30, 40];

/** What is lost to rounding and to the ends. */
const SUM_ERROR_MAX = 1e-8;

/** In the order of the arms. */
export function probabilitiesOfBest(arms: readonly Beta[]): number[] {
  if (arms.length === 1) return [1];
  const edges = edgesOf(arms);
  const best = arms.map(() => 0);
  /** Probability of each arm below the panel at hand. */
  const below = arms.map(() => 0);
  for (let i = 1; i < edges.length; i++) addPanel(arms, edges[i - 1]!, edges[i]!, below, best);
  const total = best.reduce((sum, one) => sum + one, 0);
  assert(Math.abs(total - 1) < SUM_ERROR_MAX, 'one of the arms is best (Q1)');
  return best.map((one) => one / total);
}

/** Ascending, each once: narrow where any arm has its mass. */
function edgesOf(arms: readonly Beta[]): number[] {
  const edges = arms.flatMap((arm) => {
    const [mean, deviation] = [betaMean(arm), betaDeviation(arm)];
    return EDGES.flatMap((far) => [mean - far * deviation, mean + far * deviation]);
  });
  const within = edges.map((edge) => Math.min(1, Math.max(0, edge))).sort((a, b) => a - b);
  return within.filter((edge, i) => i === 0 || edge > within[i - 1]!);
}

/** Adds the part of each integral from `from` to `to`; `below` is moved on to `to`. */
function addPanel(arms: readonly Beta[], from: number, to: number, below: number[], best: number[]): void {
  const half = (to - from) / 2;
  const densities = arms.map((arm) => PANEL.points.map((x) => betaDensity(arm, from + half * (1 + x))));
  const cumulated = densities.map((density, k) =>
    // A polynomial that is almost nothing may come to a little less.
    Float64Array.from(PANEL.partial, (row) => Math.max(0, below[k]! + half * inner(row, density))),
  );
  PANEL.weights.forEach((weight, i) => {
    for (let k = 0; k < arms.length; k++) {
      let product = densities[k]![i]!;
      for (let j = 0; j < arms.length && product !== 0; j++) if (j !== k) product *= cumulated[j]![i]!;
      best[k]! += half * weight * product;
    }
  });
  for (let k = 0; k < arms.length; k++) below[k]! += half * inner(PANEL.weights, densities[k]!);
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
