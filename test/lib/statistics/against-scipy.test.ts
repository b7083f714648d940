// lib/statistics beside SciPy and gbstats, over figures as they come: few people and a hundred million, rates at both ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probabilitiesOfBest } from '../../../lib/statistics/best-arm.ts';
import { betaDensity, posteriorOf } from '../../../lib/statistics/beta.ts';
import { chiSquareUpperTail, logGamma } from '../../../lib/statistics/gamma.ts';
import { normalQuantile } from '../../../lib/statistics/normal.ts';
import { quantile } from '../../../lib/statistics/quantile.ts';
import { compareRates, wilsonInterval } from '../../../lib/statistics/rates.ts';
import { sampleRatio } from '../../../lib/statistics/sample-ratio.ts';
import { askPython } from './oracle.ts';

const CONFIDENCES = [0.8, 0.95, 0.999];

/** Answers beside those of Python, number by number: `relative` is how far they may be apart, of the expected one. */
async function agree<Args extends readonly unknown[]>(
  name: string,
  cases: readonly Args[],
  answer: (...args: Args) => number | readonly number[],
  relative: number,
): Promise<void> {
  const expected = await askPython<number | readonly number[]>(cases.map((args) => [name, args]));
  assert.equal(expected.length, cases.length);
  cases.forEach((args, i) => {
    const [ours, theirs] = [[answer(...args)].flat(), [expected[i]!].flat()];
    assert.equal(ours.length, theirs.length);
    ours.forEach((value, j) => {
      const apart = Math.abs(value - theirs[j]!) / Math.max(Math.abs(theirs[j]!), Number.MIN_VALUE);
      assert.ok(
        value === theirs[j] || apart <= relative,
        `${name}(${JSON.stringify(args)}): ${value} is not ${theirs[j]}`,
      );
    });
  });
}

function pairs<A, B>(as: readonly A[], bs: readonly B[]): [A, B][] {
  return as.flatMap((a) => bs.map((b): [A, B] => [a, b]));
}

test('the logarithm of the gamma function is SciPy’s', async () => {
  const arguments_ = [1e-6, 0.1, 0.5, 0.75, 1.5, 2.5, 3, 5, 14.5, 15.5, 100, 12345.6, 1e9].map((x): [number] => [x]);
  await agree('log-gamma', arguments_, logGamma, 2e-14);
});

test('tails of chi-square are SciPy’s, down to the smallest', async () => {
  const degrees = [1, 2, 3, 9, 40, 1_000];
  const values = [0, 1e-12, 0.01, 0.5, 1, 3.84, 10, 100, 900, 1_100, 1_400];
  await agree('chi-square', pairs(values, degrees), chiSquareUpperTail, 2e-11);
});

test('quantiles of the normal distribution are SciPy’s', async () => {
  const probabilities = [1e-12, 1e-6, 0.025, 0.3, 0.5, 0.6, 0.9, 0.975, 0.9995, 1 - 1e-9];
  await agree(
    'normal',
    probabilities.map((p): [number] => [p]),
    normalQuantile,
    1e-12,
  );
});

test('densities of rates are SciPy’s, for millions of trials too', async () => {
  const cases = [
    [1, 1],
    [1, 101],
    [101, 1],
    [3, 8.5],
    [60, 1_000],
    [500_001, 9_500_001],
    [5e7, 5e7],
  ].flatMap(([a, b]) =>
    [0.001, 0.05, 0.0501, 0.3, 0.5, 0.500001, 0.999].map((x): [number, number, number] => [a!, b!, x]),
  );
  const expected = await askPython<number>(cases.map((args) => ['beta', args]));
  // SciPy's own error grows with the number of trials, to some 1e-8 for a hundred million.
  cases.forEach(([a, b, x], i) => {
    const ours = betaDensity({ a, b }, x);
    assert.ok(
      Math.abs(ours - expected[i]!) <= 1e-7 * expected[i]! + 1e-300,
      `${cases[i]}: ${ours}, not ${expected[i]}`,
    );
  });
});

test('quantiles of values are NumPy’s', async () => {
  const lists = [[5], [1, 2], [0, 0, 1, 4, 4, 9, 100], Array.from({ length: 101 }, (_, i) => i * i)];
  await agree('quantile', pairs(lists, [0, 0.01, 0.25, 0.5, 0.77, 0.99, 1]), quantile, 1e-14);
});

test('intervals of a rate are Wilson’s as SciPy has them', async () => {
  const rates = [
    [0, 1],
    [1, 1],
    [0, 30],
    [3, 30],
    [30, 30],
    [1_234, 5_000],
    [999_000, 1_000_000],
    [7, 1e9],
  ] as const;
  const cases = rates.flatMap(([successes, trials]) =>
    CONFIDENCES.map((confidence): [number, number, number] => [successes, trials, confidence]),
  );
  const interval = (successes: number, trials: number, confidence: number) => {
    const { low, high } = wilsonInterval({ successes, trials }, confidence);
    return [low, high];
  };
  await agree('wilson', cases, interval, 1e-11);
});

test('intervals of differences and lifts are those of GrowthBook’s sequential testing', async () => {
  const groups: readonly [control: readonly number[], treatment: readonly number[]][] = [
    [
      [10, 100],
      [12, 100],
    ],
    [
      [1, 100],
      [99, 100],
    ],
    [
      [500, 5_000],
      [560, 5_020],
    ],
    [
      [50_000, 1_000_000],
      [50_900, 1_001_000],
    ],
    [
      [3, 9_000],
      [4, 400],
    ],
  ];
  type Args = [readonly number[], readonly number[], number, 'absolute' | 'relative'];
  const cases = groups.flatMap(([control, treatment]) =>
    pairs(CONFIDENCES, ['absolute', 'relative'] as const).map(([confidence, kind]): Args => {
      return [control, treatment, confidence, kind];
    }),
  );
  const interval = (control: readonly number[], treatment: readonly number[], confidence: number, kind: string) => {
    const rate = ([successes, trials]: readonly number[]) => ({ successes: successes!, trials: trials! });
    const found = compareRates([{ control: rate(control), treatment: rate(treatment) }], confidence);
    const { estimate, low, high } = kind === 'absolute' ? found!.difference : found!.lift;
    return [estimate, low, high];
  };
  await agree('sequential', cases, interval, 1e-10);
});

test('the probability of a sample ratio mismatch is GrowthBook’s', async () => {
  const cases: [readonly number[], readonly number[]][] = [
    [
      [500, 500],
      [1, 1],
    ],
    [
      [5_000, 5_200],
      [0.5, 0.5],
    ],
    [
      [1_000, 3_100, 5_900],
      [10, 30, 60],
    ],
    [
      [100_000, 102_000],
      [1, 1],
    ],
    [
      [30, 31, 29, 200],
      [1, 1, 1, 7],
    ],
  ];
  await agree('srm', cases, (people, weights) => sampleRatio([{ people, weights }]).pValue, 1e-9);
});

test('the probability that an arm is best is the integral as SciPy finds it', async () => {
  const cases: [readonly (readonly [successes: number, trials: number])[]][] = [
    [
      [
        [0, 0],
        [0, 0],
      ],
    ],
    [
      [
        [0, 100],
        [3, 100],
      ],
    ],
    [
      [
        [100, 100],
        [97, 100],
      ],
    ],
    [
      [
        [10, 100],
        [12, 110],
        [31, 300],
      ],
    ],
    [
      [
        [5, 100],
        [50_000, 1_000_000],
      ],
    ],
    [
      [
        [500_000, 10_000_000],
        [500_900, 10_000_000],
        [499_000, 10_000_000],
      ],
    ],
    [Array.from({ length: 10 }, (_, k) => [1_000 + 10 * k, 20_000] as const)],
  ];
  const expected = await askPython<number[]>(cases.map((args) => ['best', args]));
  cases.forEach(([arms], i) => {
    const found = probabilitiesOfBest(arms.map(([successes, trials]) => posteriorOf(successes, trials)));
    // SciPy's cdf of ten million trials has eight digits.
    found.forEach((one, k) => {
      assert.ok(Math.abs(one - expected[i]![k]!) < 1e-7, `${JSON.stringify(arms)}: ${found} is not ${expected[i]}`);
    });
  });
});
