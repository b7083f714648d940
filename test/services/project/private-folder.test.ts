import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keepPrivate } from '../../../services/project/private-folder.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import { recordingLogger } from '../../connectors/logs/embedded/kit.ts';

function folderOf(t: TestContext): string {
  const before = process.umask();
  t.after(() => process.umask(before));
  const folder = mkdtempSync(join(tmpdir(), 'tripline-private-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('what others could read of a data folder is tightened, and said once', (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, 'data/log'), { recursive: true });
  writeFileSync(join(folder, 'data/log/commits.log'), '');
  writeFileSync(join(folder, 'beside'), '');
  for (const path of ['data', 'data/log', 'data/log/commits.log', 'beside']) chmodSync(join(folder, path), 0o755);
  symlinkSync(join(folder, 'beside'), join(folder, 'data/link'));
  const { notices, logger } = recordingLogger();
  keepPrivate(join(folder, 'data'), logger);
  assert.deepEqual(
    ['data', 'data/log', 'data/log/commits.log'].map((path) => modeOf(join(folder, path))),
    [0o700, 0o700, 0o700],
  );
  assert.equal(modeOf(join(folder, 'beside')), 0o755);
  assert.deepEqual(
    notices.map(({ level, fields }) => [level, fields['files']]),
    [['warn', 3]],
  );
  keepPrivate(join(folder, 'data'), logger);
  assert.equal(notices.length, 1);
});

test("what is made from then on is its owner's alone, LevelDB's files included", async (t) => {
  const folder = folderOf(t);
  keepPrivate(join(folder, 'data'), recordingLogger().logger);
  const store = await LevelStore.open(join(folder, 'data/state/task'));
  t.after(() => store.close());
  assert.equal(modeOf(join(folder, 'data')), 0o700);
  assert.equal(modeOf(join(folder, 'data/state/task')), 0o700);
  assert.equal(modeOf(join(folder, 'data/state/task/CURRENT')), 0o600);
});

test('a folder that cannot be made is named with what to do', (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => keepPrivate(join(folder, 'file/data'), recordingLogger().logger), {
    code: 'TRG_STATE_UNWRITABLE',
    message: /file\/data .*set another dataDir/,
  });
});
