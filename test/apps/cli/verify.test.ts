// `tripline verify` on a project's embedded log, which its owner may have open meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify as verifyCommand } from '../../../apps/cli/commands/verify.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { folderWith, run } from './kit.ts';
import { openShop, START, shopFolder, track } from './shop-project.ts';

const HOUR = 3_600_000;

test('a log is as recorded while its worker has it open; a decision that nothing led to is said, and the exit code is 1', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  for (const user of ['u1', 'u2', 'u3']) await shop.pipe('events.shop', track(user, 'add_to_cart', START));
  await shop.run();
  await shop.advanceWallClock(25 * HOUR);
  await shop.pipe('events.shop', track('u1', 'view', shop.clock.now()));
  await shop.run();
  const verify = (...words: string[]) => run(['verify', ...words], [verifyCommand], folder);
  const fine = await verify();
  assert.equal(fine.code, 0, fine.err);
  assert.match(fine.out, /^2 tasks, \d+ journal entries\n/);
  assert.match(fine.out, /\ntripline\.decisions: 4 as recorded\n/);
  assert.match(fine.out, /\nverify: as recorded\n$/);
  const { identical, topics } = JSON.parse((await verify('--json')).out);
  assert.deepEqual([identical, topics['tripline.decisions'].identical], [true, 4]);
  await shop.close();

  const log = await openEmbeddedLog({ dir: `${folder}/data/log`, clock: systemClock });
  const reader = log.openReader();
  reader.assign([{ topic: 'tripline.decisions', partition: 0, offset: 0 }]);
  const [fetched] = await reader.read({ maxBytes: 1_000_000, waitMs: 0 });
  const { key, value: recorded } = fetched!.records[0]!;
  const decision = decisionCodec.decode(recorded!);
  const writer = await log.openWriter('forger');
  const value = decisionCodec.encode({ ...decision, id: 'e'.repeat(32) });
  writer.send([{ topic: 'tripline.decisions', partition: 0, timestamp: START, key, value, headers: [] }]);
  await writer.commit('forger', []);
  await log.close();
  const forged = await verify();
  assert.equal(forged.code, 1);
  assert.match(forged.out, /tripline\.decisions: 4 as recorded, 1 extra\n/);
  assert.match(
    forged.out,
    /First difference:\ntripline\.decisions\/0, offset \d+ is recorded, and nothing led to it: cart, user\/u\d, /,
  );
  assert.match(forged.out, /\nverify: 1 difference\n$/);
  const outside = await verify('--to', new Date(START).toISOString());
  assert.equal(outside.code, 0);
});

test('without a log, or with a time that is none, it says what to do', async (t) => {
  const folder = folderWith(t, { 'tripline.yaml': 'dataDir: ./data\n', 'rules/r.yaml': 'id: a\nwhen: { event: x }\n' });
  const none = await run(['verify'], [verifyCommand], folder);
  assert.equal(none.code, 1);
  assert.match(none.err, /TRG_FILE_UNREADABLE/);
  assert.equal((await run(['verify', '--from', 'noon'], [verifyCommand], folder)).code, 2);
});
