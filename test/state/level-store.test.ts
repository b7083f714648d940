import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FatalError } from '../../lib/errors.ts';
import { LevelStore } from '../../state/level-store.ts';
import { keyValueStoreSuite } from '../contract/store.suite.ts';

function folder(t: { after(fn: () => unknown): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'tripline-level-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

keyValueStoreSuite('level store', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  t.after(() => store.close());
  return store;
});

test('level store: what was written is there after closing and opening', async (t) => {
  const path = folder(t);
  const first = await LevelStore.open(path);
  await first.write([{ key: Buffer.from('a'), value: Buffer.from('1') }]);
  await first.close();
  const second = await LevelStore.open(path);
  t.after(() => second.close());
  assert.equal(Buffer.from(second.get(Buffer.from('a'))!).toString(), '1');
});

test('level store: a damaged database is refused with its folder and how to mend it', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  await store.write([{ key: Buffer.from('a'), value: Buffer.from('1') }]);
  await store.close();
  for (const file of readdirSync(path)) if (file.startsWith('MANIFEST')) writeFileSync(join(path, file), 'garbage');
  await assert.rejects(LevelStore.open(path), (error) => {
    assert.ok(error instanceof FatalError);
    assert.equal(error.code, 'TRG_STATE_CORRUPT');
    assert.match(error.message, /delete that folder/);
    return true;
  });
});

test('level store: a folder that is open already is refused as in use, not as damaged', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  t.after(() => store.close());
  await assert.rejects(LevelStore.open(path), { code: 'TRG_STATE_LOCKED' });
});
