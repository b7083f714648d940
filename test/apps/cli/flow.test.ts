// `tripline flow`: where the drawing goes, and what is wrong usage.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { flow as flowCommand } from '../../../apps/cli/commands/flow.ts';
import { folderWith, run } from './kit.ts';

const FILES = {
  'tripline.yaml': 'rules: ./rules\n',
  'rules/a.yaml': 'id: later\nwhen: { event: x }\nthen: [{ name: first, wait: 1h }]\n',
};

test('the drawing is Mermaid unless it is to be a picture, and goes to the output or a file', async (t) => {
  const folder = folderWith(t, FILES);
  const flow = (...words: string[]) => run(['flow', ...words], [flowCommand], folder);
  const text = await flow('later');
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, /^flowchart TD\n/);
  assert.equal((await flow('later', '--mermaid')).out, text.out);
  const svg = await flow('later', '--svg');
  assert.match(svg.out, /^<svg /);
  const written = await flow('later', '--svg', '--out', 'later.svg');
  assert.deepEqual([written.code, written.out], [0, '']);
  assert.equal(readFileSync(join(folder, 'later.svg'), 'utf8'), svg.out);
  assert.match((await flow('later', '--out', 'no/such/folder')).err, /TRG_LOG_FULL/);
});

test('a rule that is not there is said with what was probably meant; two forms at once are wrong usage', async (t) => {
  const folder = folderWith(t, FILES);
  const flow = (...words: string[]) => run(['flow', ...words], [flowCommand], folder);
  const unknown = await flow('latr');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /there is no rule "latr"/);
  assert.match(unknown.err, /later/);
  for (const words of [[], ['later', 'more'], ['later', '--svg', '--mermaid']]) {
    assert.equal((await flow(...words)).code, 2, words.join(' '));
  }
});
