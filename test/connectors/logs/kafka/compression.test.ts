import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { unpack } from '../../../../connectors/logs/kafka/compression.ts';

/** The lower bits of a batch's attributes. */
const ZSTD = 4;

test('records that a producer packed in several frames of zstd are all there', () => {
  const frames = ['one ', 'two ', 'three'].map((text) => zstdCompressSync(text));
  const skippable = Buffer.from('502a4d180400000061626364', 'hex');
  assert.equal(unpack(Buffer.concat(frames), ZSTD).toString(), 'one two three');
  assert.equal(unpack(Buffer.concat([skippable, ...frames, skippable]), ZSTD).toString(), 'one two three');
  assert.equal(unpack(frames[0]!, ZSTD).toString(), 'one ');
});

test('a frame of zstd that is cut off, or something behind it, is an error', () => {
  const frame = zstdCompressSync('one two three');
  assert.throws(() => unpack(frame.subarray(0, -3), ZSTD));
  assert.throws(() => unpack(Buffer.concat([frame, frame.subarray(0, 6)]), ZSTD));
  assert.throws(() => unpack(Buffer.concat([frame, Buffer.from('garbage')]), ZSTD));
});
