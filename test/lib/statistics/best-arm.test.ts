import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { probabilitiesOfBest } from '../../../lib/statistics/best-arm.ts';
import { type Beta, posteriorOf } from '../../../lib/statistics/beta.ts';
import { holds } from '../../invariants/property.ts';

/** P(second > first), as a sum that is exact for whole numbers (E. Miller, Formulas for Bayesian A/B Testing, 2015). */
function secondIsBest(first: Beta, second: Beta): number {
  let sum = 0;
  const logBeta = (a: number, b: number): number => logFactorial(a - 1) + logFactorial(b - 1) - logFactorial(a + b - 1);
  for (let i = 0; i < second.a; i++) {
    const exponent =
      logBeta(first.a + i, first.b + second.b) -
      Math.log(second.b + i) -
      logBeta(1 + i, second.b) -
      logBeta(first.a, first.b);
    sum += Math.exp(exponent);
  }
  return sum;
}

function logFactorial(n: number): number {
  let sum = 0;
  for (let i = 2; i <= n; i++) sum += Math.log(i);
  return sum;
}

const trials = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1_000, max: 100_000_000 }));
const arm = fc.tuple(trials, fc.double({ min: 0, max: 1, noNaN: true })).map(([count, share]) => {
  return posteriorOf(Math.round(count * share), count);
});

holds(
  'one arm of any number is best, and which one does not depend on their order (Q1)',
  60,
  fc.array(arm, { minLength: 1, maxLength: 10 }),
  async (arms) => {
    const found = probabilitiesOfBest(arms);
    assert.ok(Math.abs(found.reduce((sum, one) => sum + one, 0) - 1) < 1e-12);
    assert.ok(found.every((one) => one >= 0 && one <= 1));
    const turned = probabilitiesOfBest(arms.toReversed()).reverse();
    found.forEach((one, k) => {
      assert.ok(Math.abs(one - turned[k]!) < 1e-12);
    });
  },
);

const few = fc.tuple(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 150 }));

holds('of two arms it is what the exact sum says', 60, fc.tuple(few, few), async ([one, other]) => {
  const [first, second] = [one, other].map(([won, lost]) => posteriorOf(won, won + lost)) as [Beta, Beta];
  const [, found] = probabilitiesOfBest([first, second]);
  assert.ok(Math.abs(found! - secondIsBest(first, second)) < 1e-10);
});

test('a single arm is best; equal ones are so alike; among a hundred million trials a hundredth of a percent is seen', () => {
  assert.deepEqual(probabilitiesOfBest([posteriorOf(1, 9)]), [1]);
  assert.deepEqual(
    probabilitiesOfBest(Array.from({ length: 4 }, () => posteriorOf(3, 400))).map((one) => one.toFixed(12)),
    Array.from({ length: 4 }, () => '0.250000000000'),
  );
  const [, better] = probabilitiesOfBest([posteriorOf(5e7, 1e8), posteriorOf(5e7 + 2e4, 1e8)]);
  assert.ok(better! > 0.99 && better! < 1);
});
