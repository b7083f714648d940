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
  'workers that come, go, die and wake up late write what one worker writes (I1, I2, I4)': [
    {
      seed: -769860128,
      path: '5:0:0:0:0:2:0:0:1:3:3:7:7:7:8:8:8:8:11:11:11:14:14:14:14:14:17:17:17:17:17:17:17:20:24:24:24:24:24:24:26:26:26:26:26:26:27:27:27:27:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:3:6:1:2:2:0:0:0:3:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1:1:0:0:0:0:0:1:0:0:0:1:0:0:0:0:0:0:0:0:0:0',
      was: 'the test told all workers to stop, before any had had a turn',
    },
  ],
};
