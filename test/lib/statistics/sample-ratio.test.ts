import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../../lib/rng.ts';
import { sampleRatio } from '../../../lib/statistics/sample-ratio.ts';

test('a loss of one in fifty of a group is found among 100,000, and a fair split is not', () => {
  assert.ok(sampleRatio([{ people: [50_000, 49_000], weights: [1, 1] }]).pValue < 0.002);
  assert.ok(sampleRatio([{ people: [50_000, 49_800], weights: [1, 1] }]).pValue > 0.5);
});

test('of fair splits over several strata one in twenty is below 5 %', () => {
  const rng = seededRng(7);
  const runs = 1_000;
  let below = 0;
  for (let run = 0; run < runs; run++) {
    const strata = [0.5, 0.1, 0.8].map((share) => {
      const first = Array.from({ length: 200 }, () => rng.next()).filter((place) => place < share).length;
      return { people: [first, 200 - first], weights: [share, 1 - share] };
    });
    if (sampleRatio(strata).pValue < 0.05) below++;
  }
  assert.ok(below > 30 && below < 70, `${below} of ${runs}`);
});

test('a change of weights is no mismatch (M1)', () => {
  const before = { people: [900, 100], weights: [9, 1] };
  const after = { people: [500, 500], weights: [1, 1] };
  assert.deepEqual(sampleRatio([before, after]), { chiSquare: 0, degrees: 2, pValue: 1 });
});

test('somebody in a group of weight 0 is a mismatch; nobody in it is none', () => {
  assert.equal(sampleRatio([{ people: [100, 100, 1], weights: [1, 1, 0] }]).pValue, 0);
  assert.deepEqual(sampleRatio([{ people: [100, 100, 0], weights: [1, 1, 0] }]), {
    chiSquare: 0,
    degrees: 1,
    pValue: 1,
  });
});

test('too few people are not judged', () => {
  assert.deepEqual(sampleRatio([{ people: [9, 0], weights: [1, 1] }]), { chiSquare: 0, degrees: 0, pValue: 1 });
  assert.deepEqual(sampleRatio([]), { chiSquare: 0, degrees: 0, pValue: 1 });
});
