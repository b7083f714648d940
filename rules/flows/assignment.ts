// Which variant of an experiment an entity has.
//
// Owns: the hash, choosing by weights, phases. Does not own: where an entity's assignment is remembered, the weights of a bandit
// (bandit-weights.ts).
//
// Invariants:
//   N1. An entity's place follows from the experiment and its id alone, by a formula that anybody can compute
//       (docs/experiments.md): the same in every rule, run and replay, and apart from that of any other experiment and hold-out.
//   N2. Changed weights are a new phase, and move nobody who was assigned: only whoever comes later is assigned by them.

import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';

export interface WeightedVariant {
  readonly name: string;
  /** 0 or more; only the ratio to the others counts. */
  readonly weight: number;
}

/** The time in which the same weights were in force. */
export interface Phase {
  /** From 1, one more than that of the phase before. */
  readonly phase: number;
  /** Event time from which it holds, ms since 1970. */
  readonly since: number;
  /** In the order of the file; at least one has a weight. */
  readonly variants: readonly WeightedVariant[];
}

export interface Assigned {
  readonly variant: string;
  /** In which it was assigned. */
  readonly phase: number;
}

export interface AssignmentInput {
  readonly experiment: string;
  /** Without its type. */
  readonly entityId: string;
  /** Event time of the choice, ms since 1970. */
  readonly at: number;
  /** All phases so far, ascending, at least one. */
  readonly phases: readonly Phase[];
  /** What the entity was assigned before; null: nothing. */
  readonly before: Assigned | null;
}

/** 13 hexadecimal digits are 52 bits: exact in a double, in any language. */
const PLACE_DIGITS = 13;
const PLACES = 2 ** (4 * PLACE_DIGITS);

/** Where an entity lies in an experiment, in [0, 1) (N1). */
export function placeOf(experiment: string, entityId: string): number {
  return Number.parseInt(hash('sha256', `${experiment}/${entityId}`).slice(0, PLACE_DIGITS), 16) / PLACES;
}

/** An assignment stays (N2), unless its variant is there no more: then the entity is assigned like one that comes now. */
export function assign({ experiment, entityId, at, phases, before }: AssignmentInput): Assigned {
  const phase = phaseAt(phases, at);
  if (before !== null && phase.variants.some(({ name }) => name === before.variant)) return before;
  return { variant: variantAt(placeOf(experiment, entityId), phase.variants), phase: phase.phase };
}

/** The one that holds at `at`; what came before the first phase has the first one's weights. */
export function phaseAt(phases: readonly Phase[], at: number): Phase {
  const phase = phases.findLast(({ since }) => since <= at) ?? phases[0];
  assert(phase !== undefined, 'an experiment has a phase');
  return phase;
}

/** The phases with one more from `since` on, where the variants or the ratio of their weights changed; else the same (N2). */
export function withWeights(
  phases: readonly Phase[],
  variants: readonly WeightedVariant[],
  since: number,
): readonly Phase[] {
  const last = phases.at(-1);
  if (last !== undefined && isSameRatio(last.variants, variants)) return phases;
  assert(last === undefined || since >= last.since, 'phases follow each other in time');
  return [...phases, { phase: (last?.phase ?? 0) + 1, since, variants }];
}

/** The variants lie side by side on [0, 1), each as wide as its share, in the order of the file. */
function variantAt(place: number, variants: readonly WeightedVariant[]): string {
  const total = totalOf(variants);
  assert(total > 0, 'some variant has a weight');
  let end = 0;
  for (const { name, weight } of variants) {
    end += weight;
    if (place * total < end) return name;
  }
  // Sums of fractions may end a little below their total.
  return variants.findLast(({ weight }) => weight > 0)!.name;
}

function isSameRatio(before: readonly WeightedVariant[], after: readonly WeightedVariant[]): boolean {
  if (before.length !== after.length) return false;
  const [totalBefore, totalAfter] = [totalOf(before), totalOf(after)];
  return before.every(({ name, weight }, i) => {
    return name === after[i]!.name && weight * totalAfter === after[i]!.weight * totalBefore;
  });
}

function totalOf(variants: readonly WeightedVariant[]): number {
  return variants.reduce((sum, { weight }) => sum + weight, 0);
}
