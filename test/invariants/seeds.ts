// Seeds that once failed, by property: each is played again before the random runs. To add one, copy `seed` and `path`
// from fast-check's report and say what was wrong.

export interface KeptSeed {
  readonly seed: number;
  readonly path: string;
  /** What was wrong. */
  readonly was: string;
}

export const SEEDS: Readonly<Record<string, readonly KeptSeed[]>> = {
  'the journal of any run with one source, replayed, gives its outputs byte by byte (I1)': [
    {
      seed: 1231051902,
      path: '841',
      was: 'a commit under pressure amid a step, a crash, and the next record went first',
    },
  ],
  'the journal of any run with several sources, repartitioned or not, replayed, gives its outputs byte by byte (I1)': [
    { seed: -2107379254, path: '195', was: 'the same, and an event was late only in the replay' },
  ],
};
