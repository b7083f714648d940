import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../../lib/rng.ts';
import { compareRates, type Rate, wilsonInterval } from '../../../lib/statistics/rates.ts';

const rate = (successes: number, trials: number): Rate => ({ successes, trials });

test('of two equal groups, looked at after every fifty people, few are ever called different (V1)', () => {
  const rng = seededRng(41);
  let [looked, once] = [0, 0];
  const runs = 400;
  for (let run = 0; run < runs; run++) {
    const successes = [0, 0];
    let found = false;
    let last: boolean | undefined;
    for (let people = 50; people <= 4_000; people += 50) {
      for (let i = 0; i < 50; i++) for (const k of [0, 1]) if (rng.next() < 0.2) successes[k]!++;
      const control = rate(successes[0]!, people);
      const comparison = compareRates([{ control, treatment: rate(successes[1]!, people) }], 0.95);
      if (comparison === null) continue;
      const { low, high } = comparison.difference;
      found ||= low > 0 || high < 0;
      // What an interval that may be looked at once would say: 1.96 standard errors.
      const pooled = (successes[0]! + successes[1]!) / (2 * people);
      const z = Math.abs(successes[0]! - successes[1]!) / Math.sqrt(2 * people * pooled * (1 - pooled));
      last = last === true || z > 1.96;
    }
    if (found) looked++;
    if (last) once++;
  }
  assert.ok(looked <= 0.05 * runs, `${looked} of ${runs}`);
  assert.ok(once > 0.25 * runs, `the usual interval is wrong in only ${once}: the test shows nothing`);
});

test('an effect is found, and its interval holds it', () => {
  const comparison = compareRates([{ control: rate(2_000, 20_000), treatment: rate(2_400, 20_000) }], 0.95)!;
  assert.ok(comparison.difference.low > 0 && comparison.difference.low < 0.02);
  assert.ok(Math.abs(comparison.difference.estimate - 0.02) < 1e-12);
  assert.ok(Math.abs(comparison.lift.estimate - 0.2) < 1e-12);
  assert.ok(comparison.lift.low > 0 && comparison.lift.high < 0.4);
});

test('rates that fell while weights changed are no effect (V2)', () => {
  // First a tenth of the people in the treatment, at a rate of 20 %; then nine tenths, at 5 %: together it looks bad.
  const strata = [
    { control: rate(1_800, 9_000), treatment: rate(200, 1_000) },
    { control: rate(50, 1_000), treatment: rate(450, 9_000) },
  ];
  assert.ok(Math.abs(compareRates(strata, 0.95)!.difference.estimate) < 1e-12);
  const together = compareRates([{ control: rate(1_850, 10_000), treatment: rate(650, 10_000) }], 0.95)!;
  assert.ok(together.difference.high < 0);
});

test('a stratum in which one group has nobody says nothing', () => {
  const one = { control: rate(10, 100), treatment: rate(20, 100) };
  const alone = { control: rate(0, 0), treatment: rate(500, 500) };
  assert.deepEqual(compareRates([one, alone], 0.95), compareRates([one], 0.95));
});

test('nothing is said of groups without people, without a success, or with nothing else', () => {
  assert.equal(compareRates([], 0.95), null);
  assert.equal(compareRates([{ control: rate(0, 0), treatment: rate(3, 9) }], 0.95), null);
  assert.equal(compareRates([{ control: rate(0, 90), treatment: rate(3, 90) }], 0.95), null);
  assert.equal(compareRates([{ control: rate(3, 90), treatment: rate(90, 90) }], 0.95), null);
});

test('a rate of nobody may be anything', () => {
  assert.deepEqual(wilsonInterval(rate(0, 0), 0.95), { low: 0, high: 1 });
});
