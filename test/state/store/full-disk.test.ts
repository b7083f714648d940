// A disk that takes no more: a limit on the size of files makes LevelDB's log hit the same wall.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LevelStore } from '../../../state/store/level-store.ts';

const CHILD = fileURLToPath(new URL('./full-disk-child.ts', import.meta.url));
/** In blocks of 512 bytes or a kilobyte, depending on the shell. */
const LIMIT = 64;

test('a full disk is an error that time may mend, says what to do, and leaves what was written before', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-full-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Ignored, so that the write fails instead of ending the process.
  const script = `trap '' XFSZ; ulimit -f ${LIMIT}; exec "$0" "$1" "$2"`;
  const out = execFileSync('sh', ['-c', script, process.execPath, CHILD, folder], { encoding: 'utf8' });
  const said = JSON.parse(out) as { name: string; code: string; message: string; batches: number };
  assert.deepEqual([said.name, said.code], ['RetryableError', 'TRG_STATE_UNWRITABLE']);
  assert.match(said.message, /free disk space/);
  assert.ok(said.batches > 10, `${said.batches} batches`);
  const store = await LevelStore.open(folder);
  t.after(() => store.close());
  for (let batch = 0; batch < said.batches; batch++) {
    assert.equal(store.get(Buffer.from(`key ${batch}`))?.length, 1_000, `batch ${batch}`);
  }
});
