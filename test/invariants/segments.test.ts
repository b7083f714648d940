// Entry into and exit from segments against a walk through every millisecond, in whatever order events arrive.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatProblem } from '../../lib/problem.ts';
import { EvaluateRun } from '../processors/kit.ts';
import { check, event } from '../rules/kit.ts';
import { holds } from './property.ts';

const RULES = `{ id: in, order: event-time, when: { segment: { enters: vip } } }
---
{ id: out, order: event-time, when: { segment: { leaves: vip } } }`;

type Holds = (paid: number, login: number) => boolean;

/**
 * Conditions with the same over the counts of their windows: 10 ms of `paid`, 7 ms of `login`. An event whose name a
 * condition does not have is no occasion to look: it may come amid those of its millisecond.
 */
const WHERES: readonly (readonly [string, Holds])[] = [
  ['count("paid", "10ms") >= 2', (paid) => paid >= 2],
  ['count("paid", "10ms") >= 1 && count("login", "7ms") == 0', (paid, login) => paid >= 1 && login === 0],
  ['count("login", "7ms") > count("paid", "10ms")', (paid, login) => login > paid],
  ['!(count("paid", "10ms") > 1) || count("login", "7ms") > 1', (paid, login) => !(paid > 1) || login > 1],
];

const step = fc.record({ at: fc.integer({ min: 0, max: 60 }), name: fc.constantFrom('paid', 'login') });
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const question = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 15 }),
  where: fc.constantFrom(...WHERES),
});

/** Of the events of one ms each is looked at by itself; then time passes. */
function byWalking(steps: readonly Step[], [source, holdsFor]: (typeof WHERES)[number]): string[] {
  const sorted = steps.filter(({ name }) => source.includes(`"${name}"`)).sort((a, b) => a.at - b.at);
  const lines: string[] = [];
  let inside = false;
  for (let now = sorted[0]?.at ?? Infinity; now <= 100; now++) {
    const own = sorted.filter(({ at }) => at === now).length;
    const earlier = sorted.filter(({ at }) => at < now).length;
    for (let seen = earlier + Math.min(1, own); seen <= earlier + own; seen++) {
      const known = sorted.slice(0, seen);
      const count = (name: string, within: number): number =>
        known.filter((one) => one.name === name && one.at > now - within).length;
      const is = holdsFor(count('paid', 10), count('login', 7));
      if (is !== inside) lines.push(`${is ? 'in' : 'out'}@${now}`);
      inside = is;
    }
  }
  return lines;
}

holds('entry and exit are those of a walk through every millisecond', 200, question, async ({ steps, where }) => {
  const segments = [{ file: 'segments.yaml', text: `id: vip\nwhere: ${JSON.stringify(where[0])}` }];
  const { errors, ruleSet } = check(RULES, { context: { segments } });
  assert.deepEqual(errors.map(formatProblem), []);
  const found = new EvaluateRun(() => ruleSet).see(...steps.map(({ at, name }) => event(name, at)));
  await found.passTo(100);
  assert.deepEqual(found.lines, byWalking(steps, where));
});
