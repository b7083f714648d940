import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionJson } from '../../../schemas/decision.ts';
import { type Decided, differencesOf } from '../../../services/what-if/differences.ts';

function decided(
  id: string,
  hour: number,
  more: Partial<DecisionJson> & { channels?: readonly string[] } = {},
): Decided {
  const { channels = ['email'], ...fields } = more;
  const decision: DecisionJson = {
    ...{
      id,
      rule: 'r',
      ruleVersion: 'v',
      entity: { type: 'user', id: 'u' },
      outcome: 'fired',
      reason: null,
      events: [id],
    },
    ...{ values: {}, variant: null, flow: null, step: 0, at: `2026-01-01T${String(hour).padStart(2, '0')}:00:00.000Z` },
    ...fields,
  };
  return { decision, channels };
}

const cooled = { outcome: 'suppressed', reason: 'cooldown' } as const;
const kindsOf = (baseline: readonly Decided[], now: readonly Decided[]): string[] =>
  differencesOf(baseline, now).map(
    (each) => `${each.kind} ${each.baseline?.decision.id ?? '-'} ${each.now?.decision.id ?? '-'}`,
  );

test('what fires on one side alone, with or without a match on the other', () => {
  assert.deepEqual(kindsOf([], [decided('a', 1)]), ['fires - a']);
  assert.deepEqual(kindsOf([decided('a', 1)], []), ['silent a -']);
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], [decided('a', 1)]), ['fires a a']);
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, cooled)]), ['silent a a']);
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], []), []);
});

test('one match that fires at another time is earlier or later, told by the event that began it', () => {
  const begun = { events: ['m1', 'm2'] };
  assert.deepEqual(kindsOf([decided('a', 3, begun)], [decided('b', 2, begun)]), ['earlier a b']);
  assert.deepEqual(kindsOf([decided('a', 3, begun)], [decided('b', 4, begun)]), ['later a b']);
  assert.deepEqual(kindsOf([decided('a', 3)], [decided('b', 4)]), ['silent a -', 'fires - b']);
});

test('channels, variants and reasons differ only where nothing else does', () => {
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, { channels: ['sms'] })]), ['channel a a']);
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, { variant: 'B' })]), ['variant a a']);
  const capped = { outcome: 'suppressed', reason: 'cap' } as const;
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], [decided('a', 1, capped)]), ['reason a a']);
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, { values: { x: 1 }, ruleVersion: 'w' })]), []);
});

test('what was deferred and fired later fired', () => {
  const deferred = decided('a', 1, { outcome: 'deferred', reason: 'quiet-hours' });
  assert.deepEqual(kindsOf([deferred, decided('a', 9)], [decided('a', 9)]), []);
  assert.deepEqual(kindsOf([deferred, decided('a', 9)], [decided('a', 1)]), ['earlier a a']);
  assert.deepEqual(kindsOf([deferred], [decided('a', 1)]), ['fires a a']);
});
