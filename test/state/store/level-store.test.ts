import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClassicLevel } from 'classic-level';
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
  const damaged = await LevelStore.open(path);
  for (const file of readdirSync(path).filter((name) => name.endsWith('.ldb'))) {
    const { size } = statSync(join(path, file));
    // In its place: LevelDB has it in its memory. The footer with its magic stays; the blocks and the index before it do not.
    const open = openSync(join(path, file), 'r+');
    writeSync(open, Buffer.alloc(size - 48, 0xff));
    closeSync(open);
  }
  assert.throws(() => damaged.get(Buffer.from('000001')), { name: 'RetryableError', code: 'TRG_STATE_CORRUPT' });
  await damaged.close();
  await assert.rejects(LevelStore.open(path), { name: 'FatalError', code: 'TRG_STATE_CORRUPT' });
  let told = 0;
  const again = await LevelStore.open(path, () => told++);
  t.after(() => again.close());
  assert.equal(told, 1);
  assert.equal(again.get(Buffer.from('000001')), undefined);
});

test('level store: a row that does not match its seal is not given out, and the next open begins anew (L3)', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  await store.write([{ key: Buffer.from('a'), value: Buffer.from('paid') }]);
  await store.close();
  // What LevelDB has is whole, checksums and all: a row that was damaged before it copied it.
  const database = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' });
  const sealed = await database.get('a');
  await database.put('a', Buffer.from(Buffer.from(sealed!).toString('latin1').replace('paid', 'said'), 'latin1'));
  await database.close();
  rmSync(join(path, 'CLOSED'));
  const damaged = await LevelStore.open(path);
  const refused = { name: 'RetryableError', code: 'TRG_STATE_CORRUPT' };
  assert.throws(() => damaged.get(Buffer.from('a')), refused);
  await assert.rejects(damaged.range(Buffer.from('a'), Buffer.from('b'), 9), refused);
  await damaged.close();
  await assert.rejects(LevelStore.open(path), { name: 'FatalError', code: 'TRG_STATE_CORRUPT' });
});

test('level store: a folder whose opening never ended is begun anew (L2)', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  await store.write([{ key: Buffer.from('a'), value: Buffer.from('1') }]);
  await store.close();
  writeFileSync(join(path, 'OPENING'), '');
  const told: string[] = [];
  const again = await LevelStore.open(path, (_folder, error) => told.push((error as Error).message));
  assert.match(told[0] ?? '', /was being opened when its process ended/);
  assert.equal(again.get(Buffer.from('a')), undefined);
  await again.write([{ key: Buffer.from('a'), value: Buffer.from('2') }]);
  await again.close();
  const third = await LevelStore.open(path);
  t.after(() => third.close());
  assert.equal(Buffer.from(third.get(Buffer.from('a'))!).toString(), '2');
});

test('level store: a folder that an earlier version wrote, without seals, is begun anew', async (t) => {
  const path = folder(t);
  const database = new ClassicLevel<string, string>(path);
  await database.put('a', '1');
  await database.close();
  const told: string[] = [];
  const store = await LevelStore.open(path, (_folder, error) => told.push((error as Error).message));
  t.after(() => store.close());
  assert.match(told[0] ?? '', /was written by an earlier version/);
});

test('level store: a folder that somebody writes to is in use, and is not taken for damaged or deleted', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  t.after(() => store.close());
  writeFileSync(join(path, 'DAMAGED'), '');
  await assert.rejects(
    LevelStore.open(path, () => assert.fail('it is not its own')),
    { code: 'TRG_STATE_LOCKED' },
  );
});

test('level store: a folder that is open already is refused as in use, not as damaged', async (t) => {
  const path = folder(t);
  const store = await LevelStore.open(path);
  t.after(() => store.close());
  await assert.rejects(LevelStore.open(path), { code: 'TRG_STATE_LOCKED' });
});
