import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { fileWith, read } from './kit.ts';

const ONE = '{"n":1}\n';
const TWO = '{"n":2}\n';
const BOTH = [
  [1, '{"n":1}'],
  [2, '{"n":2}'],
];
/** A frame that decoders skip (RFC 8878, 3.1.2). */
const SKIPPABLE = Buffer.from('502a4d180400000061626364', 'hex');

const WHOLE: readonly (readonly [what: string, name: string, bytes: Buffer])[] = [
  ['zstd of two frames', 'e.jsonl.zst', Buffer.concat([zstdCompressSync(ONE), zstdCompressSync(TWO)])],
  ['zstd that begins with a skippable frame', 'e.jsonl.zst', Buffer.concat([SKIPPABLE, zstdCompressSync(ONE + TWO)])],
  [
    'zstd with skippable frames in between and at the end',
    'e.jsonl.zst',
    Buffer.concat([zstdCompressSync(ONE), SKIPPABLE, zstdCompressSync(TWO), SKIPPABLE]),
  ],
  ['gzip of two members', 'e.jsonl.gz', Buffer.concat([gzipSync(ONE), gzipSync(TWO)])],
  ['gzip with zeros behind it', 'e.jsonl.gz', Buffer.concat([gzipSync(ONE + TWO), Buffer.alloc(1_000)])],
  [
    'gzip with zeros between its members',
    'e.jsonl.gz',
    Buffer.concat([gzipSync(ONE), Buffer.alloc(99), gzipSync(TWO)]),
  ],
  ['gzip with a name, a comment, extra fields and a header checksum', 'e.jsonl.gz', gzipWithEverything(ONE + TWO)],
  ['gzip under a name in capitals', 'E.JSONL.GZ', gzipSync(ONE + TWO)],
  ['gzip under another name', 'events.jsonl', gzipSync(ONE + TWO)],
  ['zstd under a name without extension', 'events', zstdCompressSync(ONE + TWO)],
  ['gzip that is named .zst', 'events.jsonl.zst', gzipSync(ONE + TWO)],
  ['gzip that was packed twice', 'e.jsonl.gz', gzipSync(gzipSync(ONE + TWO))],
  ['zstd inside of gzip', 'e.jsonl.gz', gzipSync(zstdCompressSync(ONE + TWO))],
];

for (const [what, name, bytes] of WHOLE) {
  test(`${what} is read to its end (U1)`, async (t) => {
    assert.deepEqual(await read(fileWith(t, name, bytes)), { seen: BOTH, failure: null });
  });
}

function gzipWithEverything(text: string): Buffer {
  const plain = gzipSync(text);
  const fields = Buffer.concat([
    Buffer.from([3, 0, 1, 2, 3]),
    Buffer.from('name\0comment\0'),
    Buffer.from([0x12, 0x34]),
  ]);
  const header = Buffer.from(plain.subarray(0, 10));
  header[3] = 2 | 4 | 8 | 16;
  return Buffer.concat([header, fields, deflateRawSync(text), plain.subarray(-8)]);
}

const BROKEN: readonly (readonly [what: string, bytes: Buffer, message: RegExp])[] = [
  [
    'gzip with something else behind it',
    Buffer.concat([gzipSync(ONE), Buffer.from('garbage')]),
    /is damaged: the packed data cannot be unpacked from byte 28 on, where no gzip data begins$/,
  ],
  [
    'zstd with something else behind it',
    Buffer.concat([zstdCompressSync(ONE), Buffer.from('garbage')]),
    /cannot be unpacked from byte 17 on, where no zstd data begins$/,
  ],
  [
    'zstd whose second frame is cut off',
    Buffer.concat([zstdCompressSync(ONE), zstdCompressSync(TWO).subarray(0, 9)]),
    /is cut off: the packed data ends early, at byte 26$/,
  ],
  [
    'zstd whose second frame is cut off in its first bytes',
    Buffer.concat([zstdCompressSync(ONE), zstdCompressSync(TWO).subarray(0, 2)]),
    /is cut off: the packed data ends early, at byte 19$/,
  ],
  [
    'gzip whose second member is cut off',
    Buffer.concat([gzipSync(ONE), gzipSync(TWO).subarray(0, 5)]),
    /is cut off: the packed data ends early, at byte 33$/,
  ],
  [
    'gzip without its trailer',
    Buffer.concat([gzipSync(ONE).subarray(0, -3)]),
    /is cut off: the packed data ends early, at byte 25$/,
  ],
  ['gzip with a wrong checksum', wrongChecksum(gzipSync(ONE)), /a wrong checksum in what begins at byte 0\)$/],
  [
    'a skippable frame that is cut off',
    Buffer.concat([zstdCompressSync(ONE), SKIPPABLE.subarray(0, 10)]),
    /is cut off: the packed data ends early, at byte 27$/,
  ],
];

function wrongChecksum(packed: Buffer): Buffer {
  packed[packed.length - 8]! ^= 1;
  return packed;
}

for (const [what, bytes, message] of BROKEN) {
  test(`${what} is an error at its byte, after what could be read (U1, U2)`, async (t) => {
    const { seen, failure } = await read(fileWith(t, 'events', bytes));
    assert.deepEqual(seen, [[1, '{"n":1}']]);
    assert.equal((failure as { code?: string }).code, 'TRG_FILE_UNREADABLE');
    assert.match((failure as Error).message, message);
  });
}

test('any mixture of members and frames gives all of its lines, or an error', async (t) => {
  const member = fc.record({ lines: fc.integer({ min: 0, max: 3_000 }), skip: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('gzip', 'zstd'),
      fc.array(member, { minLength: 1, maxLength: 4 }),
      async (packing, members) => {
        let next = 0;
        const texts = members.map(({ lines }) =>
          Array.from({ length: lines }, () => `{"n":${++next * 7919}}\n`).join(''),
        );
        const packed = texts.map((text) => (packing === 'gzip' ? gzipSync(text) : zstdCompressSync(text)));
        const parts = packed.flatMap((bytes, i) => {
          if (!members[i]!.skip) return [bytes];
          return packing === 'zstd' ? [SKIPPABLE, bytes] : [bytes, Buffer.alloc(20_000)];
        });
        const whole = Buffer.concat(parts);
        const { seen, failure } = await read(fileWith(t, 'events', whole));
        assert.equal(failure, null);
        assert.equal(seen.length, next);
        const cut = await read(
          fileWith(t, 'events', whole.subarray(0, -1 - (members.at(-1)!.skip && packing === 'gzip' ? 20_000 : 0))),
        );
        assert.match((cut.failure as Error).message, /is cut off/);
      },
    ),
    { numRuns: 12 },
  );
});

for (const [what, first] of [
  ['an Excel workbook', Buffer.from('PK\x03\x04rest of it')],
  ['Parquet', Buffer.from('PAR1rest of it')],
  ['packed with xz', Buffer.from('fd377a585a0000', 'hex')],
  ['text in UTF-32', Buffer.from('fffe00007b000000', 'hex')],
] as const) {
  test(`a file that is ${what} is named so`, async (t) => {
    const { seen, failure } = await read(fileWith(t, 'events.jsonl', first));
    assert.deepEqual(seen, []);
    assert.match((failure as Error).message, new RegExp(`events\\.jsonl is .*${what}`));
  });
}
