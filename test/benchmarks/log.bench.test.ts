import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../benchmarks/log.bench.ts';

test('the benchmark of the log runs', async () => {
  const figures = await run({ scale: 0.01 });
  assert.deepEqual(
    figures.map(({ unit }) => unit),
    ['records/s', 'commits/s', 'records/s'],
  );
  assert.ok(figures.every(({ value }) => value > 0));
});
