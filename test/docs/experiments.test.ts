// The worked example of docs/experiments.md, row by row.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assign, placeOf } from '../../rules/flows/assignment.ts';

const page = readFileSync(new URL('../../docs/experiments.md', import.meta.url), 'utf8');
const PHASES = [
  {
    phase: 1,
    since: 0,
    variants: Object.entries({ plain: 30, coupon: 30, gift: 40 }).map(([name, weight]) => ({ name, weight })),
  },
];

test('the page’s digits, places and variants are those that entities have', () => {
  const rows = [...page.matchAll(/^\| (\S+) \| (\S+) \| ([0-9a-f]{13}) \| (0\.\d{4}) \| (\w+) \|$/gm)];
  assert.equal(rows.length, 5);
  for (const [, experiment, entityId, digits, place, variant] of rows) {
    const found = placeOf(experiment!, entityId!);
    assert.equal((found * 2 ** 52).toString(16).padStart(13, '0'), digits);
    assert.equal(found.toFixed(4), place);
    const input = { experiment: experiment!, entityId: entityId!, at: 0, phases: PHASES, before: null };
    assert.deepEqual(assign(input), { variant, phase: 1 });
  }
});

test('the page’s fraction is the place of its command', () => {
  const [, digits, above, below] = /prints `(\w+)`, which is ([\d,]+) of ([\d,]+)\./.exec(page)!;
  const number = (text: string): number => Number(text.replaceAll(',', ''));
  assert.equal(number(above!).toString(16), digits);
  assert.equal(number(above!) / number(below!), placeOf('cart-copy', 'u1'));
});
