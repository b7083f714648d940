import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withPlan } from '../../benchmarks/capacity.ts';

const PAGE = readFileSync(new URL('../../docs/capacity.md', import.meta.url), 'utf8');

test('the plan in docs/capacity.md follows from its figures; else: node benchmarks/capacity.ts', () => {
  assert.equal(PAGE, withPlan(PAGE));
});

test('twice the events take twice the cores', () => {
  const cores = (page: string): number =>
    Number(/^\| cores for them \| ([\d,]+) /m.exec(page)![1]!.replaceAll(',', ''));
  const twice = withPlan(PAGE.replace(/^\| `events` \| [^|]+ \|/m, '| `events` | 2,000,000 / 2,000,000 |'));
  assert.ok(Math.abs(cores(twice) - 2 * cores(PAGE)) <= 2, `${cores(twice)} and ${cores(PAGE)}`);
});

test('a figure that the page lacks is named', () => {
  assert.throws(() => withPlan(PAGE.replace(/^\| `diskBytes`.*$/m, '')), /no figure diskBytes/);
});
