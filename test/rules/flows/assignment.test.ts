import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chiSquareUpperTail } from '../../../lib/statistics/gamma.ts';
import { sampleRatio } from '../../../lib/statistics/sample-ratio.ts';
import { type Assigned, assign, type Phase, phaseAt, placeOf, withWeights } from '../../../rules/flows/assignment.ts';
import { isHeldOut } from '../../../rules/gates/held-out.ts';
import { holds } from '../../invariants/property.ts';

const IDS = Array.from({ length: 20_000 }, (_, i) => `u${i}`);
/** Seeds of fast-check are random: a fair hash falls below this once in a million runs. */
const UNFAIR = 1e-6;

const name = fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,8})?$/);
const two = (first: number, second: number) => [
  { name: 'plain', weight: first },
  { name: 'coupon', weight: second },
];
const phaseOf = (phase: number, since: number, ...weights: [number, number]): Phase => {
  return { phase, since, variants: two(...weights) };
};

holds('places in any experiment are spread evenly (N1)', 5, name, async (experiment) => {
  const counts = Array<number>(50).fill(0);
  for (const id of IDS) counts[Math.floor(placeOf(experiment, id) * 50)]!++;
  const ratio = sampleRatio([{ people: counts, weights: counts.map(() => 1) }]);
  assert.equal(ratio.degrees, 49);
  assert.ok(ratio.pValue > UNFAIR, `${experiment}: ${counts}`);
});

holds('places in two experiments have nothing to do with each other (N1)', 5, fc.tuple(name, name), async (pair) => {
  const [one, other] = pair;
  if (one === other) return;
  // A table of four by four: independent if each cell has what its row and column have.
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (const id of IDS) counts[Math.floor(placeOf(one, id) * 4)]![Math.floor(placeOf(other, id) * 4)]!++;
  const rows = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = [0, 1, 2, 3].map((j) => counts.reduce((sum, row) => sum + row[j]!, 0));
  let chiSquare = 0;
  for (const [i, row] of counts.entries()) {
    for (const [j, count] of row.entries()) {
      const expected = (rows[i]! * columns[j]!) / IDS.length;
      chiSquare += (count - expected) ** 2 / expected;
    }
  }
  assert.ok(chiSquareUpperTail(chiSquare, 9) > UNFAIR, `${pair}: ${counts}`);
});

test('who is held out by a group of the same name has all variants like others (N1)', () => {
  const heldOut = IDS.filter((id) => isHeldOut({ share: 0.3, group: 'group cart' }, `user/${id}`));
  const first = heldOut.filter((id) => placeOf('cart', id) < 0.5).length;
  assert.ok(sampleRatio([{ people: [first, heldOut.length - first], weights: [1, 1] }]).pValue > 0.001);
});

const weights = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double({ min: 0.001, max: 10, noNaN: true })), {
    minLength: 1,
    maxLength: 10,
  })
  .filter((all) => all.some((weight) => weight > 0));

holds('people come into variants by their weights, and never into one without', 10, weights, async (all) => {
  const variants = all.map((weight, i) => ({ name: `v${i}`, weight }));
  const phases = [{ phase: 1, since: 0, variants }];
  const counts = all.map(() => 0);
  for (const entityId of IDS.slice(0, 5_000)) {
    const { variant } = assign({ experiment: 'e', entityId, at: 1, phases, before: null });
    counts[Number(variant.slice(1))]!++;
  }
  assert.ok(sampleRatio([{ people: counts, weights: all }]).pValue > UNFAIR, `${all}: ${counts}`);
});

const change = fc.record({ weight: fc.integer({ min: 0, max: 100 }), at: fc.integer({ min: 1, max: 1_000 }) });

holds(
  'whoever was assigned stays, whatever weights come later; others are assigned by the weights of their time (N2)',
  100,
  fc.tuple(
    fc.array(change, { maxLength: 6 }),
    fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 8 }),
  ),
  async ([changes, visits]) => {
    let phases: readonly Phase[] = [phaseOf(1, 0, 50, 50)];
    for (const { weight, at } of changes.toSorted((a, b) => a.at - b.at)) {
      phases = withWeights(phases, two(weight, 100 - weight), at);
    }
    for (const entityId of IDS.slice(0, 40)) {
      let before: Assigned | null = null;
      for (const at of visits.toSorted((a, b) => a - b)) {
        const found: Assigned = assign({ experiment: 'cart-copy', entityId, at, phases, before });
        if (before !== null) assert.equal(found, before);
        else {
          const { phase, variants } = phaseAt(phases, at);
          const share = variants[0]!.weight / 100;
          const expected = placeOf('cart-copy', entityId) < share ? 'plain' : 'coupon';
          assert.deepEqual(found, { variant: expected, phase });
        }
        before = found;
      }
    }
  },
);

test('whose variant was taken out is assigned anew', () => {
  const phases = [phaseOf(1, 0, 0, 1), { phase: 2, since: 10, variants: [{ name: 'plain', weight: 1 }] }];
  const before = { variant: 'coupon', phase: 1 };
  const input = { experiment: 'cart-copy', entityId: 'u1', phases, before };
  assert.deepEqual(assign({ ...input, at: 9 }), before);
  assert.deepEqual(assign({ ...input, at: 10 }), { variant: 'plain', phase: 2 });
});

test('a phase begins where the ratio, the names or their order changed, and nowhere else', () => {
  const phases = withWeights([], two(1, 3), 5);
  assert.deepEqual(phases, [phaseOf(1, 5, 1, 3)]);
  assert.equal(withWeights(phases, two(25, 75), 6), phases);
  assert.deepEqual(withWeights(phases, two(1, 4), 6), [phaseOf(1, 5, 1, 3), phaseOf(2, 6, 1, 4)]);
  assert.equal(withWeights(phases, two(1, 3).reverse(), 6).length, 2);
  assert.equal(withWeights(phases, two(1, 3).slice(0, 1), 6).length, 2);
});

test('an event from before the first phase has its weights', () => {
  assert.equal(phaseAt([phaseOf(1, 100, 1, 0), phaseOf(2, 200, 0, 1)], 3).phase, 1);
  assert.equal(phaseAt([phaseOf(1, 100, 1, 0), phaseOf(2, 200, 0, 1)], 200).phase, 2);
});
