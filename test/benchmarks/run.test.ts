import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = fileURLToPath(new URL('../../benchmarks/', import.meta.url));
const run = promisify(execFile);

const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));

/** What must stand in the results of some. */
const FIGURES: Readonly<Record<string, string>> = {
  backtest: 'backtest, 10 rules',
  memory: 'peak memory',
  restore: 'restore',
  log: 'embedded log: append',
};

/** Most of a benchmark's time at this size is waiting: for brokers to start, for sessions to time out. */
describe('every benchmark runs at a tiny size, and its figures stand in the results:', { concurrency: 3 }, () => {
  for (const name of NAMES) {
    test(name, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'tripline-bench-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const out = join(folder, 'results.md');
      const words = [join(FOLDER, 'run.ts'), '--scale', '0.001', '--only', name, '--out', out];
      const { stdout } = await run(process.execPath, words);
      const results = readFileSync(out, 'utf8');
      assert.match(results, /Machine: .+ cores, .+ GB/);
      assert.match(results, /commit \S+/);
      assert.match(results, /Scale 0.001/);
      const rows = [...results.matchAll(/^\| (.+) \| ([\d,]+) \| (.+) \|$/gm)];
      assert.ok(rows.length > 0, stdout);
      const figure = FIGURES[name];
      if (figure !== undefined)
        assert.ok(
          rows.some(([, what]) => what!.includes(figure)),
          `${figure} in ${stdout}`,
        );
      // A wait may be none, a small state no megabyte, and processor time is told in hundredths of a second; a rate of nothing
      // was not measured.
      const nothing = rows.filter(([, , value, unit]) => value === '0' && unit!.includes('/s')).map(([row]) => row);
      assert.deepEqual(nothing, []);
    });
  }
});

test('the benchmarks with a figure to look for are there', () => {
  assert.deepEqual(
    Object.keys(FIGURES).filter((name) => !NAMES.includes(name)),
    [],
  );
});

test('a benchmark that does not exist is refused with the names of those that do', async () => {
  await assert.rejects(
    run(process.execPath, [join(FOLDER, 'run.ts'), '--only', 'nothing']),
    /backtest, kafka, kafka-rolling, log, memory, restore/,
  );
});
