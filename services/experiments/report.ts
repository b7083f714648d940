// What an experiment has shown so far: of each variant how many people, how many of them reached the goal, and by how much it
// is better or worse than the control.
//
// Owns: who is counted, and the figures. Does not own: reading the records, showing the report.
//
// Invariants:
//   R1. A person counts once, for the variant that it was first assigned, whatever came later.
//   R2. What counts happened after the assignment; what machines opened counts for nobody.
//   R3. People of different phases are never compared with each other (lib/statistics/rates.ts, V2).
//   R4. The same records in any order give the same report.

import { type Comparison, compareRates, type Interval, type Rate, wilsonInterval } from '../../lib/statistics/rates.ts';
import { type SampleRatio, sampleRatio } from '../../lib/statistics/sample-ratio.ts';
import type { Assigned, Phase } from '../../rules/flows/assignment.ts';

export interface Assignment extends Assigned {
  /** Its key: type/id. */
  readonly entity: string;
  /** Event time, ms since 1970. */
  readonly at: number;
}

/** The goal, or the reward, was reached. */
export interface Conversion {
  readonly entity: string;
  readonly at: number;
}

/** A message of the experiment was opened. */
export interface Open {
  readonly entity: string;
  readonly at: number;
  /** A scanner or prefetcher did it, not a person. */
  readonly isMachine: boolean;
}

export interface ExperimentRecords {
  /** All so far, ascending. */
  readonly phases: readonly Phase[];
  readonly assignments: Iterable<Assignment>;
  readonly conversions: Iterable<Conversion>;
  readonly opens: Iterable<Open>;
}

export interface VariantReport {
  readonly name: string;
  readonly people: number;
  /** People who reached the goal. */
  readonly converted: number;
  /** Part of the people who did; null: there is nobody. Over all phases, so not to be compared where weights changed (R3). */
  readonly rate: number | null;
  /** Wilson's, of the rate. */
  readonly rateInterval: Interval;
  /** People who opened a message. */
  readonly opened: number;
  /** Against the control, within phases; null: it is the control, or nothing can be said yet. */
  readonly comparison: Comparison | null;
}

export interface PhaseReport {
  readonly phase: number;
  readonly since: number;
  /** By variant: its share of the weights, 0 to 1, and how many people came in. */
  readonly variants: readonly { readonly name: string; readonly share: number; readonly people: number }[];
}

export interface ExperimentReport {
  /** The first variant of the first phase. */
  readonly control: string;
  readonly people: number;
  /** In the order in which they came up. */
  readonly variants: readonly VariantReport[];
  readonly phases: readonly PhaseReport[];
  readonly sampleRatio: SampleRatio & { readonly verdict: 'as-planned' | 'mismatch' | 'too-few-people' };
  /** People who were assigned another variant later, as theirs was taken out. */
  readonly reassigned: number;
  /** Openings by machines, left out. */
  readonly machineOpens: number;
}

/** Of all intervals, each on its own: with many variants one may be wrong more often. */
const CONFIDENCE = 0.95;
/** GrowthBook's default: a check that is made again and again must not cry wolf. */
const MISMATCH_BELOW = 0.001;

/** What became of one person. */
interface Person {
  readonly variant: string;
  readonly phase: number;
  readonly at: number;
  converted: boolean;
  opened: boolean;
}

/** `phases` has one at least. Records of people who were not assigned, and assignments of phases that are not there, are left out. */
export function experimentReport(records: ExperimentRecords): ExperimentReport {
  const { phases, opens } = records;
  const control = phases[0]!.variants[0]!.name;
  const names = [...new Set(phases.flatMap(({ variants }) => variants.map(({ name }) => name)))];
  const { people, reassigned } = firstAssignments(records);
  for (const { entity, at } of records.conversions) {
    const person = people.get(entity);
    if (person !== undefined && at > person.at) person.converted = true;
  }
  let machineOpens = 0;
  for (const { entity, at, isMachine } of opens) {
    const person = people.get(entity);
    if (person === undefined || at <= person.at) continue;
    if (isMachine) machineOpens++;
    else person.opened = true;
  }
  const cells = new Cells(people.values());
  const strata = phases.map(({ phase, variants }) => ({
    people: variants.map(({ name }) => cells.of(phase, name).trials),
    weights: variants.map(({ weight }) => weight),
  }));
  return {
    control,
    people: people.size,
    variants: names.map((name) => variantReport(name, control, phases, cells)),
    phases: phases.map((phase, i) => phaseReport(phase, strata[i]!.people)),
    sampleRatio: judged(sampleRatio(strata)),
    reassigned,
    machineOpens,
  };
}

/** R1; of two at the same time the one of the earlier phase, then of the name that sorts first (R4). */
function firstAssignments({ phases, assignments }: ExperimentRecords): {
  people: Map<string, Person>;
  reassigned: number;
} {
  const known = new Map(phases.map(({ phase, variants }) => [phase, new Set(variants.map(({ name }) => name))]));
  const people = new Map<string, Person>();
  const moved = new Set<string>();
  for (const { entity, variant, phase, at } of assignments) {
    if (known.get(phase)?.has(variant) !== true) continue;
    const before = people.get(entity);
    if (before !== undefined && before.variant !== variant) moved.add(entity);
    if (before !== undefined && !isEarlier({ variant, phase, at }, before)) continue;
    people.set(entity, { variant, phase, at, converted: false, opened: false });
  }
  return { people, reassigned: moved.size };
}

type When = Pick<Person, 'variant' | 'phase' | 'at'>;

function isEarlier(one: When, other: When): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.phase !== other.phase) return one.phase < other.phase;
  return one.variant < other.variant;
}

/** People by phase and variant. */
class Cells {
  readonly #rates = new Map<string, { trials: number; successes: number; opened: number }>();

  constructor(people: Iterable<Person>) {
    for (const { phase, variant, converted, opened } of people) {
      const key = `${phase} ${variant}`;
      const cell = this.#rates.get(key) ?? { trials: 0, successes: 0, opened: 0 };
      this.#rates.set(key, cell);
      cell.trials++;
      if (converted) cell.successes++;
      if (opened) cell.opened++;
    }
  }

  of(phase: number, variant: string): Rate & { readonly opened: number } {
    return this.#rates.get(`${phase} ${variant}`) ?? { trials: 0, successes: 0, opened: 0 };
  }
}

function variantReport(name: string, control: string, phases: readonly Phase[], cells: Cells): VariantReport {
  const own = phases.map(({ phase }) => cells.of(phase, name));
  const [trials, successes, opened] = (['trials', 'successes', 'opened'] as const).map((figure) =>
    own.reduce((sum, cell) => sum + cell[figure], 0),
  ) as [number, number, number];
  const strata = phases.map(({ phase }) => ({ control: cells.of(phase, control), treatment: cells.of(phase, name) }));
  return {
    name,
    people: trials,
    converted: successes,
    rate: trials === 0 ? null : successes / trials,
    rateInterval: wilsonInterval({ successes, trials }, CONFIDENCE),
    opened,
    comparison: name === control ? null : compareRates(strata, CONFIDENCE),
  };
}

function phaseReport({ phase, since, variants }: Phase, people: readonly number[]): PhaseReport {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  return {
    phase,
    since,
    variants: variants.map(({ name, weight }, i) => ({ name, share: weight / total, people: people[i]! })),
  };
}

function judged(ratio: SampleRatio): ExperimentReport['sampleRatio'] {
  if (ratio.pValue < MISMATCH_BELOW) return { ...ratio, verdict: 'mismatch' };
  return { ...ratio, verdict: ratio.degrees === 0 ? 'too-few-people' : 'as-planned' };
}
