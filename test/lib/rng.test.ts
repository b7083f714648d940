import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRng, systemRng } from '../../lib/rng.ts';

test('a seed gives the same numbers again, another seed others', () => {
  const draw = (seed: number): number[] => {
    const rng = seededRng(seed);
    return Array.from({ length: 5 }, () => rng.next());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('numbers lie in [0, 1) and spread over it', () => {
  for (const rng of [seededRng(1), systemRng]) {
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const number = rng.next();
      assert.ok(number >= 0 && number < 1);
      tenths[Math.floor(number * 10)]!++;
    }
    assert.ok(
      tenths.every((count) => count > 800 && count < 1_200),
      String(tenths),
    );
  }
});
