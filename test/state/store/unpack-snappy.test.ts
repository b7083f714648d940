import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compressionsAlgorithms } from '@platformatic/kafka';
import fc from 'fast-check';
import { unpackSnappy } from '../../../state/store/unpack-snappy.ts';

/** Bytes that repeat themselves near and far. */
const bytes = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 40 })), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array.from({ length: times }, () => part))));

test('what Snappy packed is unpacked to what it was', () => {
  fc.assert(
    fc.property(bytes, (whole) => {
      const packed = compressionsAlgorithms.snappy.compressSync(whole) as Buffer;
      assert.deepEqual(unpackSnappy(packed), whole);
    }),
  );
});

test('bytes that Snappy did not pack give nothing, or something, and never fail', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (packed) => {
      const unpacked = unpackSnappy(packed);
      assert.ok(unpacked === null || unpacked.length >= 0);
    }),
    { numRuns: 2_000 },
  );
});
