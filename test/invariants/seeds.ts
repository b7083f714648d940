// Seeds that once failed, by property: each is played again before the random runs. To add one, copy `seed` and `path`
// from fast-check's report and say what was wrong.

export interface KeptSeed {
  readonly seed: number;
  readonly path: string;
  /** What was wrong. */
  readonly was: string;
}

export const SEEDS: Readonly<Record<string, readonly KeptSeed[]>> = {};
