import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keys as keysCommand } from '../../../apps/cli/commands/keys.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { hashOfKey } from '../../../services/keys/keys.ts';
import { folderWith, run } from './kit.ts';

const DAY = 86_400_000;
const keys = (...words: string[]) => run(['keys', ...words], [keysCommand], '/');

test('with --json a key comes with what the configuration is to have', async () => {
  const { code, out, err } = await keys('create', 'ci', '--role', 'viewer', '--role', 'editor', '--json');
  assert.deepEqual([code, err], [0, '']);
  const { key, hash, ...rest } = JSON.parse(out);
  assert.deepEqual(rest, { name: 'ci', roles: ['viewer', 'editor'] });
  assert.equal(hash, hashOfKey(key));
});

test('without it the key is shown once, and the lines can be pasted into tripline.yaml', async (t) => {
  const { out } = await keys('create', 'the "CI"', '--role', 'admin', '--expires', '90d');
  const [key] = out.split('\n');
  assert.equal(out.split(key!).length, 2);
  const pasted = out.slice(out.indexOf('keys:')).replaceAll(/^/gm, '  ');
  const folder = folderWith(t, { 'tripline.yaml': `http:\n${pasted}` });
  const { config } = loadConfig({ env: {}, folder });
  const [entry] = config.http!.keys;
  assert.deepEqual([entry!.name, entry!.hash, entry!.roles], ['the "CI"', hashOfKey(key!), ['admin']]);
  const days = (Date.parse(entry!.expires!) - Date.now()) / DAY;
  assert.ok(days > 89.9 && days <= 90, `${days} days`);
});

test('what is no key that can be made is wrong usage', async () => {
  for (const words of [
    [],
    ['make', 'a'],
    ['create'],
    ['create', 'a', 'b', '--role', 'viewer'],
    ['create', 'a'],
    ['create', 'a', '--role', 'viewr'],
    ['create', 'a', '--role', 'viewer', '--expires', 'soon'],
    ['create', 'a', '--role', 'viewer', '--expires', '2020-01-01T00:00:00Z'],
  ]) {
    const { code, out } = await keys(...words);
    assert.deepEqual([code, out], [2, ''], words.join(' '));
  }
  assert.match((await keys('create', 'a', '--role', 'viewr')).err, /did you mean "viewer"/);
});

test('an entry with another hash, an unknown role or an expiry that is no time is a mistake of the configuration', async (t) => {
  const entry = { name: 'a', hash: hashOfKey('a'), roles: ['viewer'] };
  const mistakes = [
    [{ ...entry, hash: 'sha256:abc' }, /"http\.keys\.0\.hash" must look like sha256:/],
    [{ ...entry, roles: ['owner'] }, /"http\.keys\.0\.roles\.0" must be one of viewer/],
    [{ ...entry, roles: [] }, /"http\.keys\.0\.roles" must not be empty/],
    [{ ...entry, expires: 'tomorrow' }, /"http\.keys\.0\.expires" must be a time such as/],
  ] as const;
  for (const [key, message] of mistakes) {
    const folder = folderWith(t, { 'tripline.yaml': `http: { keys: [${JSON.stringify(key)}] }\n` });
    assert.throws(() => loadConfig({ env: {}, folder }), { message });
  }
});
