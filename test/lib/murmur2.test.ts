import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOf } from '../../lib/murmur2.ts';

test('hashes are those of Kafka’s Java client', () => {
  const vectors: readonly [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [text, hash] of vectors) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

test('a view into a larger buffer hashes as its own bytes', () => {
  assert.equal(murmur2(Buffer.from('xxfoobarxx').subarray(2, 8)), -790332482);
});

test('a negative hash loses its sign bit, as in Java, before it chooses the partition', () => {
  assert.equal(partitionOf(Buffer.from('foobar'), 7), (-790332482 & 0x7fffffff) % 7);
  assert.equal(partitionOf(Buffer.from('foobar'), 1), 0);
});

test('keys spread over all partitions', () => {
  const counts = new Array<number>(8).fill(0);
  for (let i = 0; i < 8_000; i++) counts[partitionOf(Buffer.from(`user-${i}`), 8)]!++;
  assert.ok(
    counts.every((count) => count > 800 && count < 1_200),
    String(counts),
  );
});
