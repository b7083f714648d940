// Registers a property as a test: the seeds kept in seeds.ts, then random runs.
//
// FUZZ_RUNS multiplies the number of random runs (1: what `make test` has time for).

import { it } from 'node:test';
import fc from 'fast-check';
import { SEEDS } from './seeds.ts';

const FACTOR = Number(process.env['FUZZ_RUNS'] ?? 1);

/** One test for each kept seed of that name and one for `runs` random values; a failure prints its seed and path. */
export function holds<Value>(
  name: string,
  runs: number,
  values: fc.Arbitrary<Value>,
  check: (value: Value) => Promise<void>,
): void {
  const property = fc.asyncProperty(values, check);
  for (const { seed, path, was } of SEEDS[name] ?? []) {
    it(`${name} (seed ${seed}: ${was})`, () => fc.assert(property, { seed, path, endOnFailure: true, numRuns: 1 }));
  }
  it(name, () => fc.assert(property, { numRuns: Math.ceil(runs * FACTOR) }));
}
