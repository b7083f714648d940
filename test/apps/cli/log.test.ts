import assert from 'node:assert/strict';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { log as logCommand } from '../../../apps/cli/commands/log.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { record, write } from '../../contract/log-kit.ts';
import { folderWith, run } from './kit.ts';

test('log recover says what is lost, changes nothing until that is accepted, and then the log is whole', async (t) => {
  const folder = folderWith(t, {
    'tripline.yaml': 'application: shop\ndataDir: ./data\nsources: [{ topic: events.shop }]\n',
  });
  const dir = join(folder, 'data', 'log');
  const log = await openEmbeddedLog({ dir, clock: new FakeClock() });
  await log.admin.createTopics(['events.shop', 'tripline.decisions'].map((topic) => ({ topic, partitions: 1 })));
  for (const value of ['a', 'b', 'c'])
    await write(log, [record('events.shop/0', value), record('tripline.decisions/0', value)]);
  await log.close();
  const recover = (...words: string[]) => run(['log', 'recover', ...words], [logCommand], folder);
  assert.deepEqual(await recover(), { code: 0, out: 'The log is whole: nothing is lost.\n', err: '' });
  const commits = join(dir, readdirSync(dir).find((name) => name.startsWith('commits-'))!);
  truncateSync(commits, Math.floor(statSync(commits).size * 0.6));
  const looked = await recover();
  assert.equal(looked.code, 1);
  assert.match(looked.out, /acknowledged commits are not in the commit log/);
  assert.match(looked.out, /^lost {2}tripline\.decisions\/0 {2}offsets \d to 2/m);
  assert.match(looked.out, /^kept {2}events\.shop\/0 {2}offsets \d to 2/m);
  assert.match(looked.out, /Nothing was changed/);
  assert.equal((await recover('--json')).out.includes('"accepted":false'), true);
  assert.equal((await recover('--accept-loss')).code, 0);
  assert.deepEqual(await recover(), { code: 0, out: 'The log is whole: nothing is lost.\n', err: '' });
});
