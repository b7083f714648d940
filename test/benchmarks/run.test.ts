import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = fileURLToPath(new URL('../../benchmarks/', import.meta.url));
const run = promisify(execFile);

/** Each has a test of its own here; groups of workers wait for sessions to end, at any size: those are run by hand. */
const ALONE = ['deliveries', 'deliveries-outage', 'kafka', 'log', 'scale-failover', 'scale-group', 'scale-workers'];
const OTHERS = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .filter((name) => !ALONE.includes(name));

test('every other benchmark runs at a tiny size, and its figures stand in the results', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-bench-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, 'results.md');
  const options = ['--scale', '0.001', '--only', OTHERS.join(','), '--out', out];
  const { stdout } = await run(process.execPath, [join(FOLDER, 'run.ts'), ...options]);
  const results = readFileSync(out, 'utf8');
  assert.match(results, /Machine: .+ cores, .+ GB/);
  assert.match(results, /commit \S+/);
  assert.match(results, /Scale 0.001/);
  const rows = [...results.matchAll(/^\| (.+) \| ([\d,]+) \| (.+) \|$/gm)];
  for (const name of ['backtest, 10 rules', 'peak memory', 'restore']) {
    assert.ok(
      rows.some(([, what]) => what!.includes(name)),
      `${name} in ${stdout}`,
    );
  }
  // A wait may be none, a small state no megabyte, and processor time is told in hundredths of a second; a rate of nothing was
  // not measured.
  const nothing = rows.filter(([, , value, unit]) => value === '0' && unit!.includes('/s')).map(([row]) => row);
  assert.deepEqual(nothing, []);
  assert.ok(rows.length >= OTHERS.length);
});

test('a benchmark that does not exist is refused with the names of those that do', async () => {
  await assert.rejects(
    run(process.execPath, [join(FOLDER, 'run.ts'), '--only', 'nothing']),
    /backtest, deliveries, deliveries-outage, kafka, kafka-rolling, log, memory, restore/,
  );
});
