// Quantiles of what was observed.

import { assert } from '../assert.ts';

/**
 * The value below which the share `p` (0 to 1) of the values lies, between two of them in proportion: type 7 of R. J. Hyndman
 * and Y. Fan, Sample Quantiles in Statistical Packages (1996), as NumPy and R have it. `ascending` has one value at least.
 */
export function quantile(ascending: readonly number[], p: number): number {
  assert(ascending.length > 0 && p >= 0 && p <= 1, 'a quantile is of values, for a share from 0 to 1');
  const place = p * (ascending.length - 1);
  const below = Math.floor(place);
  const low = ascending[below]!;
  const high = ascending[Math.min(below + 1, ascending.length - 1)]!;
  return low + (high - low) * (place - below);
}
