import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterVarint,
  readVarint,
  VARINT_BYTES_MAX,
  varintEnd,
  varintSize,
  wideVarint,
  writeVarint,
} from '../../lib/varint.ts';

/** Zigzag and seven bits a byte, by the definition and with whole numbers of any size. */
function oracle(value: bigint): Buffer {
  let raw = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; raw > 0x7fn; raw >>= 7n) bytes.push(Number(raw & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(raw)]);
}

/** Whole numbers of every length, not only of the largest. */
const ofEverySize = fc
  .tuple(fc.integer({ min: 0, max: 53 }), fc.maxSafeInteger())
  .map(([bits, value]) => Math.trunc(value / 2 ** bits));

test('a safe integer is the bytes of its definition, and read back exactly (V1)', () => {
  const bytes = Buffer.alloc(3 + VARINT_BYTES_MAX, 0xff);
  fc.assert(
    fc.property(ofEverySize, (value) => {
      const end = writeVarint(bytes, 3, value);
      assert.deepEqual(bytes.subarray(3, end), oracle(BigInt(value)));
      assert.equal(varintSize(value), end - 3);
      assert.equal(varintEnd(bytes, 3, bytes.length), end);
      assert.equal(afterVarint(bytes, 3), end);
      assert.equal(readVarint(bytes, 3), value + 0);
      assert.equal(wideVarint(bytes, 3), BigInt(value));
    }),
    { numRuns: 5_000 },
  );
  for (const value of [0, 63, 64, -64, -65, 8_191, 8_192, 2 ** 27, 2 ** 27 - 1, -(2 ** 27), -(2 ** 27) - 1]) {
    assert.deepEqual(bytes.subarray(0, writeVarint(bytes, 0, value)), oracle(BigInt(value)), String(value));
  }
  for (const value of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    writeVarint(bytes, 0, value);
    assert.equal(readVarint(bytes, 0), value);
  }
});

test('every number of 64 bits is read as a bigint, and what is no safe integer never looks like one (V1)', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = oracle(value);
      assert.equal(varintEnd(bytes, 0, bytes.length), bytes.length);
      assert.equal(wideVarint(bytes, 0), value);
      assert.equal(Number.isSafeInteger(readVarint(bytes, 0)), Number.isSafeInteger(Number(value)));
    }),
    { numRuns: 2_000 },
  );
});

test('a number that its bytes end within, or that is longer than any, has no end (V2)', () => {
  const long = oracle(2n ** 40n);
  for (let end = 0; end < long.length; end++) assert.equal(varintEnd(long, 0, end), -1);
  assert.equal(varintEnd(long, 0, long.length), long.length);
  const endless = Buffer.alloc(20, 0x80);
  assert.equal(varintEnd(endless, 0, endless.length), -1);
  assert.equal(varintEnd(Buffer.concat([Buffer.alloc(9, 0x80), Buffer.of(1)]), 0, 20), 10);
});

test('bytes with needless zeros are read as the number that they are', () => {
  const padded = Buffer.from([0x84, 0x80, 0x80, 0x80, 0x80, 0x00]);
  assert.equal(readVarint(padded, 0), 2);
  assert.equal(varintEnd(padded, 0, padded.length), 6);
});
