import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FatalError } from '../../../lib/errors.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import { keyValueStoreSuite } from '../../contract/store.suite.ts';

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

test('level store: for an owner who can rebuild it, a damaged database is told of and begun anew (L2)', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  await store.write([{ key: Buffer.from('a'), value: Buffer.from('1') }]);
  await store.close();
  rmSync(join(path, 'CURRENT'));
  for (const file of readdirSync(path)) if (file.startsWith('MANIFEST')) writeFileSync(join(path, file), 'garbage');
  writeFileSync(join(path, 'CURRENT'), 'MANIFEST-000999\n');
  const told: string[] = [];
  const again = await LevelStore.open(path, (damaged, error) => told.push(`${damaged} ${(error as FatalError).code}`));
  t.after(() => again.close());
  assert.deepEqual(told, [`${path} TRG_STATE_CORRUPT`]);
  assert.equal(again.get(Buffer.from('a')), undefined);
  await again.write([{ key: Buffer.from('a'), value: Buffer.from('2') }]);
  assert.equal(Buffer.from(again.get(Buffer.from('a'))!).toString(), '2');
});

test('level store: damage that shows when it is read stops the reading, and the next open begins anew (L2)', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  // Enough for tables on disk; what fits the memory of one is read from there.
  const value = randomBytes(1_000);
  for (let batch = 0; batch < 20; batch++) {
    await store.write(
      Array.from({ length: 1_000 }, (_, i) => ({
        key: Buffer.from(`${String(batch * 1_000 + i).padStart(6, '0')}`),
        value,
      })),
    );
  }
  await store.close();
  for (const file of readdirSync(path).filter((name) => name.endsWith('.ldb'))) {
    const bytes = readFileSync(join(path, file));
    // The footer with its magic stays; the blocks and the index before it do not.
    bytes.fill(0xff, 0, bytes.length - 48);
    writeFileSync(join(path, file), bytes);
  }
  const damaged = await LevelStore.open(path);
  assert.throws(() => damaged.get(Buffer.from('000001')), { name: 'RetryableError', code: 'TRG_STATE_CORRUPT' });
  await damaged.close();
  await assert.rejects(LevelStore.open(path), { name: 'FatalError', code: 'TRG_STATE_CORRUPT' });
  let told = 0;
  const again = await LevelStore.open(path, () => told++);
  t.after(() => again.close());
  assert.equal(told, 1);
  assert.equal(again.get(Buffer.from('000001')), undefined);
});

test('level store: a folder that is open already is refused as in use, not as damaged', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  t.after(() => store.close());
  await assert.rejects(LevelStore.open(path), { code: 'TRG_STATE_LOCKED' });
});
