import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Baseline, CHECKS, compare } from '../../benchmarks/check-compare.ts';

const BENCHMARKS = fileURLToPath(new URL('../../benchmarks/', import.meta.url));
const BASELINE: Baseline = { taken: '', allowed: 0.2, ratios: { worker: 0.5, workerTime: 2 } };

test('a ratio that is worse by more than is allowed is named with both figures', () => {
  const { worse } = compare({ worker: 0.4, workerTime: 2.5 }, BASELINE, false);
  assert.deepEqual(worse, [
    'events/s of a worker, exactly once, to Node that parses: 0.400, was 0.500: 25 % slower, and 20 % is allowed',
    'processor time of a worker, exactly once, to Node that parses: 2.500, was 2.000: 25 % slower, and 20 % is allowed',
  ]);
});

test('what is a little worse, or better, is told and passes', () => {
  const { lines, worse } = compare({ worker: 0.45, workerTime: 1 }, BASELINE, false);
  assert.deepEqual(worse, []);
  assert.deepEqual(lines, [
    'events/s of a worker, exactly once, to Node that parses: 0.450, was 0.500: 11 % slower',
    'processor time of a worker, exactly once, to Node that parses: 1.000, was 2.000: 100 % faster',
  ]);
});

test('on a busy machine only processor time is judged', () => {
  const { lines, worse } = compare({ worker: 0.1, workerTime: 4 }, BASELINE, true);
  assert.match(lines[0]!, /not judged/);
  assert.equal(worse.length, 1);
  assert.match(worse[0]!, /^processor time/);
});

test('a ratio that the baseline does not have is told and passes', () => {
  const { lines, worse } = compare({ backtestTime: 9 }, BASELINE, false);
  assert.deepEqual(worse, []);
  assert.match(lines[0]!, /not in the baseline/);
});

test('the accepted baseline has every ratio', () => {
  const { ratios } = JSON.parse(readFileSync(join(BENCHMARKS, 'check-baseline.json'), 'utf8')) as Baseline;
  assert.deepEqual(
    Object.keys(ratios),
    CHECKS.map(({ id }) => id),
  );
});

test('the check runs at a tiny size, and accepts what it measured', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-check-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const baseline = join(folder, 'baseline.json');
  const size = ['--scale', '0.01', '--rounds', '1', '--baseline', baseline, '--accept'];
  await promisify(execFile)(process.execPath, [join(BENCHMARKS, 'check.ts'), ...size]);
  const { ratios } = JSON.parse(readFileSync(baseline, 'utf8')) as Baseline;
  for (const { id } of CHECKS) assert.ok((ratios[id] ?? 0) > 0, id);
});
