// Sample ratio mismatch: whether people came into the groups of an experiment in the shares that they were to come in. Where
// they did not, something loses or adds people of one group, and no figure of the experiment can be trusted.
//
// Owns: the test. Does not own: from which probability on it is a mismatch (services/experiments).
//
// Invariants:
//   M1. Each stratum is judged by its own weights: a change of weights is no mismatch.

import { assert } from '../assert.ts';
import { chiSquareUpperTail } from './gamma.ts';

/** People who came in while the same weights were in force. */
export interface Stratum {
  /** How many came into each group. */
  readonly people: readonly number[];
  /** Of each group, 0 or more; only their ratio counts. */
  readonly weights: readonly number[];
}

export interface SampleRatio {
  readonly chiSquare: number;
  /** Of freedom; 0: no stratum had enough people to be judged. */
  readonly degrees: number;
  /** How probable so large a difference is if all is well; 1 where nothing could be judged. */
  readonly pValue: number;
}

/** Below it chi-square is not distributed as its name says (W. G. Cochran, The χ² Test of Goodness of Fit, 1952). */
const EXPECTED_MIN = 5;

/**
 * Pearson's chi-square over all strata, which are independent: their sums and degrees of freedom add up. A group of weight 0
 * expects nobody: somebody in it is a mismatch for certain.
 */
export function sampleRatio(strata: readonly Stratum[]): SampleRatio {
  let chiSquare = 0;
  let degrees = 0;
  for (const { people, weights } of strata) {
    assert(people.length === weights.length, 'each group has its weight');
    if (people.some((count, i) => count > 0 && weights[i] === 0)) return { chiSquare: Infinity, degrees, pValue: 0 };
    const total = sum(people);
    const groups = people.flatMap((count, i) => {
      return weights[i] === 0 ? [] : [{ count, expected: (total * weights[i]!) / sum(weights) }];
    });
    if (groups.length < 2 || groups.some(({ expected }) => expected < EXPECTED_MIN)) continue;
    chiSquare += sum(groups.map(({ count, expected }) => (count - expected) ** 2 / expected));
    degrees += groups.length - 1;
  }
  return { chiSquare, degrees, pValue: degrees === 0 ? 1 : chiSquareUpperTail(chiSquare, degrees) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
