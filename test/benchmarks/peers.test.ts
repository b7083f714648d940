import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const RUNNER = fileURLToPath(new URL('../../benchmarks/peers/run.ts', import.meta.url));
const run = promisify(execFile);

test('the comparison runs at a tiny size, and finds the actions that the events must give', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-peers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, 'results.md');
  const size = ['--scale', '0.003', '--rounds', '1', '--parts', 'shop'];
  await run(process.execPath, [RUNNER, ...size, '--only', 'floor-parse,tripline-exactly-once', '--out', out]);
  const results = readFileSync(out, 'utf8');
  assert.match(results, /Machine: .+ cores, .+ GB/);
  const rows = results.split('\n').filter((line) => /^\| (Tripline|Node) /.test(line));
  assert.equal(rows.length, 3);
  for (const row of rows.filter((line) => line.startsWith('| Tripline'))) {
    const [, written, expected] = /\| ([\d,]+) of ([\d,]+) \|$/.exec(row) ?? [];
    assert.equal(written, expected);
    assert.notEqual(written, '0');
  }
});

test('a peer or a part that does not exist is refused with the names of those that do', async () => {
  await assert.rejects(run(process.execPath, [RUNNER, '--only', 'nobody']), /floor-fetch,.*tripline-exactly-once/);
  await assert.rejects(run(process.execPath, [RUNNER, '--parts', 'nothing']), /shop,part,carts,users/);
});
