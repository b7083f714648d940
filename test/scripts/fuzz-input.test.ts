// A few seconds of `make fuzz-input`, always from the same seed, and what it once found.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz, TARGETS, type Target } from '../../scripts/fuzz-input.ts';

const FOR_MS = 2_000;
const SEED = 14;

/** Inputs that once did what none may. */
const KEPT: readonly { readonly target: Target; readonly seed: number; readonly number: number }[] = [];

for (const target of TARGETS) {
  test(`whatever stands in ${target}, it is read or refused, in bounded time`, { timeout: 120_000 }, async () => {
    let inputs = 0;
    assert.equal(await fuzz({ target, seed: SEED, forMs: FOR_MS }, () => inputs++), null);
    assert.ok(inputs > 10, `${inputs} inputs`);
  });
}

for (const { target, seed, number } of KEPT) {
  test(`${target}: input ${number} of seed ${seed} is read or refused`, async () => {
    assert.equal(await fuzz({ target, seed, number, forMs: 0 }), null);
  });
}
