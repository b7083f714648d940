import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../../schemas/action.ts';
import type { Decision } from '../../../schemas/decision.ts';
import { People, type PeopleFigures } from '../../../services/backtest/people.ts';

const DAY = 86_400_000;
/** A Monday. */
const MONDAY = Date.UTC(2026, 0, 5);

interface Given {
  readonly rule: string;
  readonly id: string;
  readonly at: number;
  /** Null: a suppressed decision. */
  readonly messages: number | null;
}

function figuresOf(t: TestContext, given: readonly Given[]): PeopleFigures {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-people-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const people = new People(folder);
  for (const { rule, id, at, messages } of given) {
    const outcome = messages === null ? 'suppressed' : 'fired';
    const entity = { type: 'user', id };
    people.decision({ rule, entity, at, outcome, digest: null } as Decision);
    for (let i = 0; i < (messages ?? 0); i++) people.action({ rule, entity, at } as Action);
  }
  const figures = people.figures();
  people.close();
  return figures;
}

test('a week is one from Monday, and a person counts in each week in which there is a message', (t) => {
  const { reach, messages, fatigue, rules } = figuresOf(t, [
    { rule: 'a', id: 'u1', at: MONDAY, messages: 1 },
    { rule: 'b', id: 'u1', at: MONDAY + 7 * DAY - 1, messages: 2 },
    { rule: 'a', id: 'u1', at: MONDAY + 7 * DAY, messages: 1 },
    { rule: 'a', id: 'u1', at: MONDAY - 1, messages: 1 },
    { rule: 'a', id: 'u2', at: MONDAY, messages: 0 },
    { rule: 'a', id: 'u3', at: MONDAY, messages: null },
  ]);
  assert.deepEqual({ reach, messages }, { reach: 2, messages: 5 });
  assert.deepEqual(fatigue, { p50: 1, p95: 3, p99: 3, max: 3 });
  assert.deepEqual([...rules.entries()].sort(), [
    ['a', { reach: 2, messages: 3 }],
    ['b', { reach: 1, messages: 2 }],
  ]);
});

test('the figures are those of counting everything in memory', (t) => {
  const given = fc.record({
    rule: fc.constantFrom('a', 'b', 'c'),
    id: fc.constantFrom('u1', 'u2', 'u3', 'u/4', ''),
    at: fc.integer({ min: MONDAY - 20 * DAY, max: MONDAY + 20 * DAY }),
    messages: fc.option(fc.integer({ min: 0, max: 3 })),
  });
  fc.assert(
    fc.property(fc.array(given, { maxLength: 40 }), (all) => {
      const { reach, messages, fatigue, rules } = figuresOf(t, all);
      const fired = all.filter((each) => each.messages !== null);
      assert.equal(reach, new Set(fired.map(({ id }) => id)).size);
      assert.equal(
        messages,
        fired.reduce((sum, each) => sum + each.messages!, 0),
      );
      for (const rule of ['a', 'b', 'c']) {
        const own = fired.filter((each) => each.rule === rule);
        const people = new Set(own.map(({ id }) => id)).size;
        assert.equal(rules.get(rule)?.reach ?? 0, people);
      }
      const weeks = new Map<string, number>();
      for (const { id, at, messages: count } of fired) {
        const day = new Date(at);
        const monday = at - ((day.getUTCDay() + 6) % 7) * DAY;
        const week = `${id} ${new Date(monday).toISOString().slice(0, 10)}`;
        if (count! > 0) weeks.set(week, (weeks.get(week) ?? 0) + count!);
      }
      const counts = [...weeks.values()].sort((a, b) => a - b);
      const rank = (share: number): number => counts[Math.max(0, Math.ceil(counts.length * share) - 1)] ?? 0;
      assert.deepEqual(fatigue, { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: counts.at(-1) ?? 0 });
    }),
    { numRuns: 100 },
  );
});
