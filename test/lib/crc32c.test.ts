import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c as ofLibrary } from '@platformatic/kafka';
import fc from 'fast-check';
import { crc32c } from '../../lib/crc32c.ts';

test('the checksums are those of RFC 3720, B.4', () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

test('the checksum of any part of any bytes is that of the Kafka client', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const from = Math.min(at, bytes.length);
      assert.equal(crc32c(bytes, from), ofLibrary(Buffer.from(bytes.subarray(from))) >>> 0);
    }),
  );
});
