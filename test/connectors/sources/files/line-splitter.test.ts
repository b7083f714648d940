import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Line, LineSplitter } from '../../../../connectors/sources/files/line-splitter.ts';

function linesOf(chunks: readonly (string | Buffer)[], lineBytesMax = 100): [number, string | null][] {
  const splitter = new LineSplitter(lineBytesMax);
  const lines: Line[] = chunks.flatMap((chunk) => splitter.split(Buffer.from(chunk as string)));
  return [...lines, ...splitter.end()].map(({ line, bytes }) => [line, bytes === null ? null : bytes.toString()]);
}

test('lines come with their numbers, whatever their ends, and without blank ones', () => {
  assert.deepEqual(linesOf(['a\r\n\n  \t\nb\n\r\nc']), [
    [1, 'a'],
    [4, 'b'],
    [6, 'c'],
  ]);
});

test('a byte order mark is not part of the first line, also when it is cut in two', () => {
  assert.deepEqual(linesOf([Buffer.from([0xef, 0xbb]), Buffer.from([0xbf, 0x61, 0x0a, 0x62])]), [
    [1, 'a'],
    [2, 'b'],
  ]);
});

test('a line as long as allowed is whole, one byte more is reported with its number, and the next goes on', () => {
  assert.deepEqual(linesOf(['12345\r\n123456\r\nok'], 5), [
    [1, '12345'],
    [2, null],
    [3, 'ok'],
  ]);
});

test('a line far too long is not gathered, however many chunks it comes in (L1)', () => {
  const splitter = new LineSplitter(1_000);
  const chunk = Buffer.alloc(1_000_000, 'x');
  const before = process.memoryUsage();
  // The same buffer each time: only gathering it would take memory.
  for (let i = 0; i < 200; i++) assert.deepEqual(splitter.split(chunk), []);
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < 10_000_000);
  assert.deepEqual(
    splitter.split(Buffer.from('x\nnext\n')).map(({ line, bytes }) => [line, bytes?.toString()]),
    [
      [1, undefined],
      [2, 'next'],
    ],
  );
});

test('a last line that is too long is reported too', () => {
  assert.deepEqual(linesOf(['1234567'], 5), [[1, null]]);
});

test('how the bytes are cut into chunks makes no difference (L2)', () => {
  const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' ', 'ü', 'longer than allowed'), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(30), { minLength: 1 }), (parts, sizes) => {
      const whole = Buffer.from(parts.join(''));
      const chunks: Buffer[] = [];
      for (let from = 0, i = 0; from < whole.length; i++) {
        const size = 1 + sizes[i % sizes.length]!;
        chunks.push(whole.subarray(from, from + size));
        from += size;
      }
      assert.deepEqual(linesOf(chunks, 10), linesOf([whole], 10));
    }),
  );
});
