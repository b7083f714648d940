import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf, regularExpression } from '../../rules/regular-expression.ts';

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

test('text beyond the bound is an error, not a long wait (X1)', () => {
  assert.throws(() => regularExpression('a*').test('a'.repeat(501)), /at most 500 characters/);
});
