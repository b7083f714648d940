import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '../../../lib/rng.ts';
import { type Arm, banditWeights } from '../../../rules/flows/bandit-weights.ts';
import { holds } from '../../invariants/property.ts';

const arm = fc
  .tuple(fc.integer({ min: 100, max: 1_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([trials, share]): Arm => ({ trials, rewards: Math.round(trials * share) }));

holds(
  'weights add up to 1, and none is below the floor (T2)',
  60,
  fc.array(arm, { minLength: 1, maxLength: 10 }),
  async (arms) => {
    const weights = banditWeights(arms);
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-12, String(weights));
    assert.ok(
      weights.every((weight) => weight >= 0.01 - 1e-15),
      String(weights),
    );
    assert.deepEqual(banditWeights(arms), weights);
  },
);

test('what lies below the floor is raised to it, at the cost of the others in proportion', () => {
  const arms = [
    { trials: 10_000, rewards: 100 },
    { trials: 10_000, rewards: 1_000 },
    { trials: 10_000, rewards: 1_000 },
  ];
  assert.deepEqual(
    banditWeights(arms).map((weight) => weight.toFixed(9)),
    ['0.010000000', '0.495000000', '0.495000000'],
  );
});

test('until each arm has a hundred all have the same (T3)', () => {
  const short = [
    { trials: 99, rewards: 0 },
    { trials: 5_000, rewards: 5_000 },
  ];
  assert.deepEqual(banditWeights(short), [0.5, 0.5]);
  assert.deepEqual(
    banditWeights([{ ...short[0]!, trials: 100 }, short[1]!]).map((weight) => weight.toFixed(6)),
    ['0.010000', '0.990000'],
  );
});

/** What is lost against giving everybody the best arm, in rewards expected: weights are made anew after every `batch`. */
function regretOf(
  rates: (served: number) => readonly number[],
  people: number,
  seed: number,
): { bandit: number; equal: number } {
  const batch = 250;
  const rng = seededRng(seed);
  const arms = rates(0).map(() => ({ trials: 0, rewards: 0 }));
  let [bandit, equal] = [0, 0];
  for (let served = 0; served < people; served += batch) {
    const weights = banditWeights(arms);
    const now = rates(served);
    const best = Math.max(...now);
    for (let i = 0; i < batch; i++) {
      let place = rng.next();
      const found = weights.findIndex((weight) => {
        place -= weight;
        return place < 0;
      });
      const chosen = arms.at(found)!;
      chosen.trials++;
      if (rng.next() < now.at(found)!) chosen.rewards++;
      bandit += best - now.at(found)!;
      equal += best - now.reduce((sum, rate) => sum + rate, 0) / now.length;
    }
  }
  return { bandit, equal };
}

function summed(rates: (served: number) => readonly number[], people: number): { bandit: number; equal: number } {
  const runs = Array.from({ length: 10 }, (_, seed) => regretOf(rates, people, seed + 1));
  return runs.reduce((sum, run) => ({ bandit: sum.bandit + run.bandit, equal: sum.equal + run.equal }));
}

test('a bandit loses less than a third of what equal shares lose, against the best arm', () => {
  const { bandit, equal } = summed(() => [0.04, 0.05, 0.07], 20_000);
  assert.ok(bandit < equal / 3, `${bandit} of ${equal}`);
});

test('of arms that are all as good nothing is lost', () => {
  assert.ok(summed(() => [0.05, 0.05], 5_000).bandit < 1e-9);
});

test('an arm that becomes the best one later is found, as it never lost its floor (T2)', () => {
  const rng = seededRng(3);
  const arms = [
    { trials: 20_000, rewards: 1_000 },
    { trials: 1_000, rewards: 20 },
  ];
  assert.ok(banditWeights(arms)[1]! < 0.011);
  for (let served = 0; served < 400_000 && banditWeights(arms)[1]! < 0.5; served += 2_000) {
    const [, second] = banditWeights(arms);
    const fraction = Math.round(2_000 * second!);
    arms[0]!.trials += 2_000 - fraction;
    arms[1]!.trials += fraction;
    arms[0]!.rewards += Math.round((2_000 - fraction) * 0.05);
    for (let i = 0; i < fraction; i++) if (rng.next() < 0.15) arms[1]!.rewards++;
  }
  assert.ok(banditWeights(arms)[1]! > 0.5);
});
