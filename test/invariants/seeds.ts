// Seeds that once failed, by property: each is played again before the random runs. To add one, copy `seed` and `path`
// from fast-check's report and say what was wrong.
// A seed is worth no more than the generators it was found with: see that it fails without the repair, and where a bug can
// be met on purpose, write a test that does (crash-sweep.test.ts).

export interface KeptSeed {
  readonly seed: number;
  readonly path: string;
  /** What was wrong. */
  readonly was: string;
}

export const SEEDS: Readonly<Record<string, readonly KeptSeed[]>> = {
  'the journal of any run with several sources, repartitioned or not, replayed, gives its outputs byte by byte (I1)': [
    { seed: -1279529513, path: '1182', was: 'what a commit amid a step left due came after the next record' },
  ],
};
