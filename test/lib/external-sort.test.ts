import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ExternalSort } from '../../lib/external-sort.ts';

function sortIn(t: TestContext, memoryBytes: number): { sort: ExternalSort; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-sort-test-'));
  const sort = new ExternalSort({ memoryBytes, folder });
  t.after(() => {
    sort.close();
    rmSync(folder, { recursive: true });
  });
  return { sort, folder };
}

/** Numbers that look random and are the same each time. */
const scattered = (index: number): number => Math.imul(index + 1, 2_654_435_761) >>> 0;

test('what fits in memory is sorted without a file', (t) => {
  const { sort, folder } = sortIn(t, 1_000_000);
  for (const key of ['b', 'a', 'c']) sort.add(key, `line ${key}`);
  assert.deepEqual([...sort.sorted()], ['line a', 'line b', 'line c']);
  assert.deepEqual(readdirSync(folder), []);
});

test('nothing added gives nothing', (t) => {
  assert.deepEqual([...sortIn(t, 1_000).sort.sorted()], []);
});

test('many runs, merged more than once, come out in order, and equal keys as they were added (S1)', (t) => {
  const { sort } = sortIn(t, 2_000);
  const entries = Array.from({ length: 3_000 }, (_, index) => ({
    key: String(scattered(index) % 50),
    line: String(index),
  }));
  for (const { key, line } of entries) sort.add(key, line);
  const expected = entries.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  assert.deepEqual(
    [...sort.sorted()],
    expected.map(({ line }) => line),
  );
});

test('a line larger than a block of the file is kept whole', (t) => {
  const { sort } = sortIn(t, 1_000);
  const long = 'ü'.repeat(500_000);
  sort.add('b', long);
  sort.add('a', 'short');
  sort.add('c', '');
  assert.deepEqual([...sort.sorted()], ['short', long, '']);
});

test('any text comes out as it would from Array.sort, half surrogates and all', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 6 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4_000 }),
      (pairs, memory) => {
        const { sort } = sortIn(t, memory);
        for (const [key, line] of pairs) sort.add(key, line);
        const expected = pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, line]) => line);
        assert.deepEqual([...sort.sorted()], expected);
      },
    ),
  );
});

test('memory holds no more than it was given, and nothing is left on disk after close (S2, S3)', (t) => {
  const { sort, folder } = sortIn(t, 50_000);
  for (let index = 0; index < 20_000; index++) sort.add(String(scattered(index)), 'x'.repeat(50));
  const runs = readdirSync(join(folder, readdirSync(folder)[0]!));
  assert.ok(runs.length > 1 && runs.length <= 64, `${runs.length} runs`);
  const sorted = sort.sorted();
  assert.equal(sorted.next().done, false);
  sorted.return(undefined);
  sort.close();
  sort.close();
  assert.deepEqual(readdirSync(folder), []);
});
