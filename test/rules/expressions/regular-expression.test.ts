import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf, regularExpression } from '../../../rules/expressions/regular-expression.ts';

test('everyday patterns are let through', () => {
  for (const pattern of [
    '^[a-z]+@[a-z.]+$',
    '^(card|cash)$',
    '(?:gold|silver)-[0-9]{4}',
    '^https?://',
    '[*+]{1}a',
    'a\\+b',
    '\\d{3}-\\d{4}',
    '[^\\]]+',
  ]) {
    assert.equal(refusalOf(pattern), null, pattern);
  }
  assert.equal(regularExpression('^(card|cash)$').test('cash'), true);
});

test('patterns that can take more than polynomial time are refused (X1)', () => {
  for (const pattern of [
    '(a+)+$',
    '(a*)*',
    '(a|a)*$',
    '((a)?){30}',
    '(a{1,9}){9}',
    '(?:a+){5}',
    'a?'.repeat(12),
    '(a|a)'.repeat(12),
    'a*b*c*d*',
    '(a)\\1',
    '(?=a)b',
    '(?<name>a)\\k<name>',
    '(',
    'x'.repeat(201),
  ]) {
    assert.notEqual(refusalOf(pattern), null, pattern);
  }
});

test('the more a pattern repeats, the shorter the text it takes; beyond that is an error, not a long wait (X1)', () => {
  const longest = (pattern: string): number => {
    try {
      regularExpression(pattern).test('a'.repeat(20_000));
      return 20_000;
    } catch (error) {
      return Number(/at most (\d+) characters/.exec(String(error))?.[1]);
    }
  };
  assert.deepEqual(['a', 'a*', 'a*a*', 'a*a*a*', '(a|a)(a|a)a*a*a*'].map(longest), [10_000, 6_324, 493, 148, 104]);
  assert.equal(regularExpression('a*a*a*b').test('a'.repeat(148)), false);
});
