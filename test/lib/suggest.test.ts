import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestWord } from '../../lib/suggest.ts';

test('a typo, a swap, another case or a missing letter finds the word meant', () => {
  const words = ['cooldown', 'priority', 'limit', 'if'];
  assert.equal(nearestWord('cooldwon', words), 'cooldown');
  assert.equal(nearestWord('prority', words), 'priority');
  assert.equal(nearestWord('Limits', words), 'limit');
  assert.equal(nearestWord('IF', words), 'if');
});

test('a word like none of them suggests nothing', () => {
  assert.equal(nearestWord('template', ['cooldown', 'limit']), null);
  assert.equal(nearestWord('ab', ['xy']), null);
});

test('the hint asks, or falls back to what it is told', () => {
  assert.equal(didYouMean('limt', ['limit']), 'did you mean "limit"?');
  assert.equal(didYouMean('zzzzz', ['limit'], 'known: limit'), 'known: limit');
  assert.equal(didYouMean('zzzzz', ['limit']), null);
});
