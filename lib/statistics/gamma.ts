// The gamma function and what follows from it: upper tails of chi-square, errors of Stirling's formula.
//
// Owns: these functions for positive arguments. Does not own: the tests that ask them (sample-ratio.ts, best-arm.ts).

import { AssertionError, assert } from '../assert.ts';

/** Lanczos' approximation with g = 7 and nine terms, as Godfrey computed them (2001); good to 15 digits. */
const LANCZOS_G = 7;
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];
const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI);

/** Terms of a series or fraction; far more than any takes whose sum is still a double above zero. */
const TERMS_MAX = 10_000;
/** In the place of a zero that a fraction would be divided by. */
const TINY = 1e-300;

/** ln Γ(x) of x > 0. */
export function logGamma(x: number): number {
  assert(x > 0, 'logGamma is of numbers above 0');
  // Γ(x) = Γ(x + 1) / x: the approximation is for arguments of 0.5 and above.
  if (x < 0.5) return logGamma(x + 1) - Math.log(x);
  const z = x - 1;
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (z + i);
  const t = z + LANCZOS_G + 0.5;
  return HALF_LOG_2_PI + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * ln n! less Stirling's formula for it, of n > 0: what is left when the large parts of several factorials have cancelled.
 * After C. Loader, Fast and Accurate Computation of Binomial Probabilities (2000).
 */
export function stirlingError(n: number): number {
  if (n <= 15) return logGamma(n + 1) - (n + 0.5) * Math.log(n) + n - HALF_LOG_2_PI;
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1_260 - (1 / 1_680 - 1 / 1_188 / square) / square) / square) / square) / n;
}

/** How probable a value of chi-square with so many degrees of freedom is that is at least as large, 0 to 1. */
export function chiSquareUpperTail(chiSquare: number, degrees: number): number {
  assert(degrees > 0 && chiSquare >= 0, 'chi-square has degrees of freedom and is not negative');
  return upperGamma(degrees / 2, chiSquare / 2);
}

/** Q(a, x) = Γ(a, x) / Γ(a): by its series (DLMF 8.11.4) or its continued fraction (DLMF 8.9.2), whichever is short. */
function upperGamma(a: number, x: number): number {
  if (x === 0) return 1;
  if (x === Infinity) return 0;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < TERMS_MAX; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * Number.EPSILON) return sum;
  }
  throw assertionOf('series');
}

/** By the method of Lentz, modified by Thompson and Barnett (1986). */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < TERMS_MAX; n++) {
    const an = -n * (n - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < TINY) d = TINY;
    c = b + an / c;
    if (Math.abs(c) < TINY) c = TINY;
    d = 1 / d;
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < Number.EPSILON) return fraction;
  }
  throw assertionOf('fraction');
}

function assertionOf(what: string): Error {
  return new AssertionError(`the ${what} of the gamma function ends within ${TERMS_MAX} terms`);
}
