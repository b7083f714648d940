import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodingOf, findNotUtf8, type TextEncoding, Utf8Writer } from '../../lib/text-encoding.ts';
import { NotTextError, readTextFile } from '../../lib/text-file.ts';

function utf8Of(encoding: TextEncoding, pieces: readonly Buffer[]): Buffer {
  const writer = new Utf8Writer(encoding);
  return Buffer.concat([...pieces.map((piece) => writer.write(piece)), writer.end()]);
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

test('windows-1252 is read by its own table, and latin1 the same', () => {
  const bytes = Buffer.from([0x80, 0x20, 0x6d, 0xfc, 0x93, 0x9f]);
  for (const encoding of ['windows-1252', 'latin1'] as const) {
    assert.equal(utf8Of(encoding, [bytes]).toString(), '€ mü“Ÿ');
  }
});

test('a byte that windows-1252 does not have stays no text (E1)', () => {
  const bytes = utf8Of('windows-1252', [Buffer.from([0xe4, 0x81, 0x62])]);
  assert.deepEqual(findNotUtf8(bytes), { at: 2, hex: '81 62' });
});

test('UTF-16 in pieces of any size is the same text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      (text, size, isLittle) => {
        const bytes = isLittle ? Buffer.from(text, 'utf16le') : utf16be(text);
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        assert.equal(utf8Of(isLittle ? 'utf-16le' : 'utf-16be', pieces).toString(), text);
      },
    ),
  );
});

test('half of a pair, and half of a character at the end, stay no text (E1)', () => {
  const half = utf8Of('utf-16le', [Buffer.from('a\ud83db', 'utf16le')]);
  assert.deepEqual(findNotUtf8(half), { at: 1, hex: 'ed a0 bd' });
  const cut = utf8Of('utf-16be', [Buffer.from([0, 0x61, 0])]);
  assert.deepEqual(findNotUtf8(cut), { at: 1, hex: 'ff' });
});

test('what is not UTF-8 is found where the decoder of the platform fails', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const isText = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .array(fc.constantFrom(0x61, 0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0x80), { maxLength: 8 })
      .map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const found = findNotUtf8(given);
      assert.equal(found === null, isText(given));
      if (found !== null) assert.ok(isText(given.subarray(0, found.at)));
    }),
    { numRuns: 2_000 },
  );
});

test('a byte order mark wins over what is given; without one UTF-16 shows by its zeros', () => {
  assert.equal(encodingOf(Buffer.from('\ufeffuser', 'utf16le'), 'windows-1252'), 'utf-16le');
  assert.equal(encodingOf(utf16be('\ufeffuser')), 'utf-16be');
  assert.equal(encodingOf(Buffer.from('\ufeffuser'), 'latin1'), 'utf-8');
  assert.equal(encodingOf(Buffer.from('user,event', 'utf16le')), 'utf-16le');
  assert.equal(encodingOf(utf16be('{"a":1}')), 'utf-16be');
  assert.equal(encodingOf(Buffer.from('user,event'), 'windows-1252'), 'windows-1252');
  assert.equal(encodingOf(Buffer.alloc(0)), 'utf-8');
});

test('a file that is no text is refused with line, byte and the bytes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-text-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rule.yaml');
  writeFileSync(file, Buffer.from('id: a\nname: gr\xfc\xdfe\n', 'latin1'));
  assert.throws(
    () => readTextFile(file),
    (error) => {
      assert.ok(error instanceof NotTextError);
      assert.deepEqual([error.line, error.column], [2, 9]);
      assert.match(error.message, /^byte 15 of the file is not UTF-8: fc df 65$/);
      return true;
    },
  );
  writeFileSync(file, Buffer.from('\ufeffid: größe\n', 'utf16le'));
  assert.equal(readTextFile(file), 'id: größe\n');
});
