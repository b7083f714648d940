// `tripline rules`, on the log of a stopped worker.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import { rules as rulesCommand } from '../../../apps/cli/commands/rules.ts';
import { run } from './kit.ts';
import { linesOf, openShop, shopFolder } from './shop-project.ts';

const rules = (folder: string, ...words: string[]) => run(['rules', ...words], [rulesCommand], folder);

async function stoppedShop(t: TestContext): Promise<string> {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.run();
  await shop.close();
  return folder;
}

const change = (folder: string, text: string): void => writeFileSync(join(folder, 'rules', 'more.yaml'), text);

test('versions are published, listed, compared and brought back', async (t) => {
  const folder = await stoppedShop(t);
  const first = await rules(folder, 'publish', '--note', 'begin');
  assert.equal(first.code, 0, first.err);
  assert.equal(first.out, 'version 1 published: 2 rules\n');
  assert.equal((await rules(folder, 'publish')).out, 'nothing has changed since the newest version\n');
  change(folder, 'id: more\nwhen: { event: x }\n');
  const pending = await rules(folder, 'diff', '--json');
  assert.equal(pending.code, 1);
  assert.deepEqual(
    linesOf(pending.out).map(({ rule, change, from }) => [rule, change, from]),
    [['more', 'added', null]],
  );
  assert.equal((await rules(folder, 'publish')).out, 'version 2 published: 3 rules\n');
  assert.equal((await rules(folder, 'diff')).code, 0);
  const back = await rules(folder, 'rollback', '1');
  assert.equal(back.out, 'version 3 published: version 1 again\n');
  const listed = linesOf((await rules(folder, 'list', '--json')).out);
  assert.deepEqual(
    listed.map(({ version, origin, note }) => [version, origin, note]),
    [
      [1, 'command', 'begin'],
      [2, 'command', null],
      [3, 'rollback', 'version 1 again'],
    ],
  );
  assert.match((await rules(folder, 'diff', '2', '3')).out, /^removed {2}more {2}[0-9a-f]{12} -> -\n$/);
});

test('what was published is what is explained', async (t) => {
  const folder = await stoppedShop(t);
  change(folder, 'id: more\nwhen: { event: x }\n');
  await rules(folder, 'publish');
  change(folder, '');
  const explained = await run(['explain', '--rule', 'more', '--user', 'u1'], [explainCommand], folder);
  assert.match(explained.err, /nothing is known of user u1/);
});

test('a folder with mistakes is not published', async (t) => {
  const folder = await stoppedShop(t);
  change(folder, 'id: more\nwhen: { evnt: x }\n');
  const { code, err } = await rules(folder, 'publish');
  assert.equal(code, 1);
  assert.match(err, /TRG_RULES_INVALID/);
  assert.equal((await rules(folder, 'list')).out, '');
});

test('a version that is not there, and words that are none, are wrong usage', async (t) => {
  const folder = await stoppedShop(t);
  await rules(folder, 'publish');
  for (const words of [['rollback', '9'], ['rollback'], ['diff', 'x'], ['list', '1'], ['undo'], []]) {
    const { code } = await rules(folder, ...words);
    assert.equal(code, 2, words.join(' '));
  }
});
