// What commands have in common: no configuration where they are called, and no secret for those that only look.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { folderWith, run } from './kit.ts';
import { openShop, shopFolder } from './shop-project.ts';

const LOOKING = [
  ['topics', 'plan'],
  ['topology'],
  ['state', 'inspect'],
  ['state', 'inspect', '--user', 'u1'],
  ['dlq', 'list'],
  ['decisions'],
  ['explain', '--rule', 'a', '--user', 'u1'],
  ['rules', 'list'],
] as const;

for (const words of LOOKING) {
  test(`\`tripline ${words.join(' ')}\` in a folder without a configuration says what to do`, async (t) => {
    const folder = folderWith(t, {});
    const { code, out, err } = await run(words, COMMANDS, folder);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^tripline: TRG_FILE_UNREADABLE .*\n {2}there is no tripline\.yaml in .*: name one with -c FILE/);
  });
}

test('with a configuration, another hint is given, and none says that there is no configuration', async (t) => {
  const folder = folderWith(t, { 'tripline.yaml': 'dataDir: ./data\n', 'rules/a.yaml': 'id: a\nwhen: { event: x }\n' });
  const { err } = await run(['state', 'inspect'], COMMANDS, folder);
  assert.match(
    err,
    /there is no embedded log in .*\n {2}no worker has run on this dataDir yet: `tripline run` makes it/,
  );
});

test('what only looks needs no secret of a channel', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.run();
  const { writeFileSync, readFileSync } = await import('node:fs');
  const text = readFileSync(`${folder}/tripline.yaml`, 'utf8');
  const channels = `channels:
  email: { host: localhost, from: me@shop.test, username: u, password: "\${MAIL_PASSWORD}" }
  webhook: { url: "https://hooks.example.com/in", secret: "\${WEBHOOK_SECRET}" }
http: { writeKeys: ["\${WRITE_KEY}"] }
`;
  writeFileSync(`${folder}/tripline.yaml`, text + channels);
  for (const words of LOOKING) {
    const { err } = await run(
      words.map((word) => (word === 'a' ? 'cart' : word)),
      COMMANDS,
      folder,
    );
    assert.doesNotMatch(err, /TRG_CONFIG_INVALID|secret|characters/, words.join(' '));
  }
  const { code, out } = await run(['topology'], COMMANDS, folder);
  assert.equal(code, 0);
  assert.match(out, /deliver webhook/);
});
