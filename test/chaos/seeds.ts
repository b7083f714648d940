// Seeds of chaos that once failed: each is played again by `make test`, and what each met has, where that is possible, a
// test that meets it on purpose. Processes and brokers keep no seed's time, so a seed is a likelihood.

export interface KeptSeed {
  readonly seed: number;
  /** What was wrong. */
  readonly was: string;
}

export const SEEDS: readonly KeptSeed[] = [
  { seed: 2, was: 'copies of state skipped what came while they were assigned anew: decisions missing and false' },
];
