// Rates and how sure they are: Wilson's interval of one, and of the difference of two an interval that may be looked at as
// often as one likes.
//
// Owns: the intervals. Does not own: who was counted (services/experiments).
//
// Invariants:
//   V1. The interval of a comparison is always valid: with its confidence the truth lies in the intervals of all looks, so that
//       stopping at the first one that is to one's liking is no mistake.
//   V2. People are compared with those who came in under the same weights: rates that change over time are not taken for an
//       effect when weights change too.

import { assert } from '../assert.ts';
import { normalQuantile } from './normal.ts';

export interface Rate {
  readonly successes: number;
  readonly trials: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Estimate extends Interval {
  readonly estimate: number;
}

export interface Comparison {
  /** Of the rates, treatment less control. */
  readonly difference: Estimate;
  /** The difference as a part of the control's rate. */
  readonly lift: Estimate;
}

/** Two groups of people who came in while the same weights were in force. */
export interface ComparedStratum {
  readonly control: Rate;
  readonly treatment: Rate;
}

/** The number of people at which intervals are narrowest beside those that may be looked at once: as GrowthBook has it. */
const TUNED_FOR_PEOPLE = 5_000;

/**
 * Interval of a rate, 0 to 1; 0 to 1 itself without trials. E. B. Wilson, Probable Inference, the Law of Succession, and
 * Statistical Inference (1927), without correction for continuity. It may be looked at once.
 */
export function wilsonInterval({ successes, trials }: Rate, confidence: number): Interval {
  assert(successes >= 0 && successes <= trials, 'there are not more successes than trials');
  if (trials === 0) return { low: 0, high: 1 };
  const z = normalQuantile(0.5 + confidence / 2);
  const rate = successes / trials;
  const shrink = 1 + (z * z) / trials;
  const centre = (rate + (z * z) / (2 * trials)) / shrink;
  const half = (z / shrink) * Math.sqrt((rate * (1 - rate)) / trials + (z * z) / (4 * trials * trials));
  // At the ends the formula comes to exactly 0 or 1, but for rounding.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

/**
 * Compares two groups. Each stratum's difference counts by its number of people; strata in which one of the two has nobody
 * are left out (V2). Null: it cannot be said yet, as all people or none of one group have come to it.
 *
 * The interval is an asymptotic confidence sequence: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas,
 * Time-uniform central limit theory and asymptotic confidence sequences (arXiv 2103.06476v7), equation 9 with the tuning of
 * equation 161; of the lift by the delta method. With one stratum it is that of GrowthBook's sequential testing. Asymptotic
 * means that it holds for hundreds of people, not for a dozen.
 */
export function compareRates(strata: readonly ComparedStratum[], confidence: number): Comparison | null {
  const both = strata.filter(({ control, treatment }) => control.trials > 0 && treatment.trials > 0);
  const people = both.reduce((sum, { control, treatment }) => sum + control.trials + treatment.trials, 0);
  let [controlRate, treatmentRate, controlVariance, treatmentVariance] = [0, 0, 0, 0];
  for (const { control, treatment } of both) {
    const share = (control.trials + treatment.trials) / people;
    controlRate += share * rateOf(control);
    treatmentRate += share * rateOf(treatment);
    controlVariance += share * share * varianceOfMean(control);
    treatmentVariance += share * share * varianceOfMean(treatment);
  }
  const difference = treatmentRate - controlRate;
  // A group without variance, such as one without a success yet, would seem to be known for certain.
  if (controlVariance === 0 || treatmentVariance === 0) return null;
  const factor = halfWidthFactor(people, 1 - confidence);
  const liftVariance = treatmentVariance / controlRate ** 2 + (controlVariance * treatmentRate ** 2) / controlRate ** 4;
  const about = (estimate: number, half: number): Estimate => {
    return { estimate, low: estimate - half, high: estimate + half };
  };
  return {
    difference: about(difference, factor * Math.sqrt(controlVariance + treatmentVariance)),
    lift: about(difference / controlRate, factor * Math.sqrt(liftVariance)),
  };
}

/** What the standard error is multiplied by, where an interval that is looked at once takes a quantile. */
function halfWidthFactor(people: number, alpha: number): number {
  const rhoSquared = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / TUNED_FOR_PEOPLE;
  const grown = people * rhoSquared + 1;
  return Math.sqrt((2 * grown * Math.log(Math.sqrt(grown) / alpha)) / (people * rhoSquared));
}

function rateOf({ successes, trials }: Rate): number {
  return successes / trials;
}

function varianceOfMean(rate: Rate): number {
  return (rateOf(rate) * (1 - rateOf(rate))) / rate.trials;
}
