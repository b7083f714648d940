import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../benchmarks/kafka.bench.ts';

test('the benchmark of Kafka runs', async () => {
  const figures = await run({ scale: 0.01 });
  assert.deepEqual(
    figures.map(({ unit }) => unit),
    ['records/s', 'commits/s', 'records/s'],
  );
  assert.ok(figures.every(({ value }) => value > 0));
});
