// Who is given which variant of an experiment: a hash of the experiment and the entity alone, so that anyone can compute it.
//
// Formula: the first 13 hexadecimal digits of SHA-256 over `experiment\0type/id` (UTF-8), as a fraction of 2^52; the variants
// take their shares of [0, 1) by weight, in the order in which they are written.

import { hash } from 'node:crypto';
import type { EntityRef } from '../../schemas/decision.ts';

const DIGITS = 13;
const RANGE = 2 ** (4 * DIGITS);

export interface WeightedVariant {
  readonly name: string;
  /** Not negative; one of them is above 0. */
  readonly weight: number;
}

/** In [0, 1). */
export function placeOf(experiment: string, { type, id }: EntityRef): number {
  return Number.parseInt(hash('sha256', `${experiment}\0${type}/${id}`).slice(0, DIGITS), 16) / RANGE;
}

/** The name of the variant. */
export function assign(experiment: string, entity: EntityRef, variants: readonly WeightedVariant[]): string {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let left = placeOf(experiment, entity) * total;
  for (const { name, weight } of variants) {
    if (left < weight) return name;
    left -= weight;
  }
  // What rounding leaves at the end.
  return variants.findLast(({ weight }) => weight > 0)!.name;
}
