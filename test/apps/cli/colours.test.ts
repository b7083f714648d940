import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paint } from '../../../apps/cli/colours.ts';
import type { Io } from '../../../apps/cli/command.ts';

const io = (isTerminal: boolean, env: Io['env'] = {}): Io => ({ isTerminal, env }) as Io;

test('there are colours on a terminal, and nowhere else', () => {
  assert.equal(paint(io(true), 'green', 'ok'), '\u001b[32mok\u001b[39m');
  assert.equal(paint(io(false), 'green', 'ok'), 'ok');
});

test('NO_COLOR takes them away, when it is not empty; so does a terminal that has none', () => {
  assert.equal(paint(io(true, { NO_COLOR: '1' }), 'red', 'FAIL'), 'FAIL');
  assert.equal(paint(io(true, { NO_COLOR: '' }), 'red', 'FAIL'), '\u001b[31mFAIL\u001b[39m');
  assert.equal(paint(io(true, { TERM: 'dumb' }), 'red', 'FAIL'), 'FAIL');
});
