// The beta distribution, as the posterior of a rate: what is believed of it after so many trials, if all rates were as likely
// before.
//
// Owns: its density and moments. Does not own: integrals over it (best-arm.ts).

import { assert } from '../assert.ts';
import { stirlingError } from './gamma.ts';

/** Both at least 1, so that the density is bounded. */
export interface Beta {
  readonly a: number;
  readonly b: number;
}

/** Of the rate of `successes` in `trials`, after a uniform prior. */
export function posteriorOf(successes: number, trials: number): Beta {
  assert(successes >= 0 && successes <= trials, 'there are not more successes than trials');
  return { a: 1 + successes, b: 1 + trials - successes };
}

export function betaMean({ a, b }: Beta): number {
  return a / (a + b);
}

export function betaDeviation({ a, b }: Beta): number {
  return Math.sqrt((a * b) / (a + b + 1)) / (a + b);
}

/**
 * Density at x in (0, 1). By the saddle point, in which the large terms that would cancel do not come up (C. Loader, Fast and
 * Accurate Computation of Binomial Probabilities, 2000): all digits hold for millions of trials too.
 */
export function betaDensity({ a, b }: Beta, x: number): number {
  return (a + b - 1) * binomial(a - 1, a + b - 2, x);
}

/** Probability of `k` successes in `n` trials at the rate `p`, continued to numbers that are not whole. */
function binomial(k: number, n: number, p: number): number {
  if (k === 0) return Math.exp(n * Math.log1p(-p));
  if (k === n) return Math.exp(n * Math.log(p));
  const rest = n - k;
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(rest) - deviance(k, n * p) - deviance(rest, n * (1 - p));
  return Math.exp(exponent) / Math.sqrt(2 * Math.PI * k * (rest / n));
}

/** k ln(k / expected) + expected - k, without loss where the two are close. */
function deviance(k: number, expected: number): number {
  const away = k - expected;
  if (Math.abs(away) >= 0.1 * (k + expected)) return k * Math.log(k / expected) - away;
  const v = away / (k + expected);
  let sum = away * v;
  let term = 2 * k * v;
  for (let j = 1; ; j++) {
    term *= v * v;
    const next = sum + term / (2 * j + 1);
    if (next === sum) return sum;
    sum = next;
  }
}
