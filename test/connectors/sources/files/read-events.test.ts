import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { readEvents } from '../../../../connectors/sources/files/index.ts';
import { fileWith, type Read, read } from './kit.ts';

for (const [extension, pack] of [
  ['', Buffer.from],
  ['.gz', gzipSync],
  ['.zst', zstdCompressSync],
] as const) {
  test(`JSON Lines are read from events.jsonl${extension}`, async (t) => {
    const path = fileWith(t, `events.jsonl${extension}`, pack('{"a":1}\r\n\r\n{"b":2}\n{"c":3}'));
    const { seen, failure } = await read(path);
    assert.equal(failure, null);
    assert.deepEqual(seen, [
      [1, '{"a":1}'],
      [3, '{"b":2}'],
      [4, '{"c":3}'],
    ]);
  });
}

test('a line that is too long is one error entry, and the lines after it are read', async (t) => {
  const path = fileWith(t, 'events.jsonl', `{"a":1}\n${'x'.repeat(10_000_000)}\n{"b":2}\n`);
  assert.deepEqual((await read(path)).seen, [
    [1, '{"a":1}'],
    [2, 'TRG_RECORD_TOO_LARGE'],
    [3, '{"b":2}'],
  ]);
});

for (const [extension, pack] of [
  ['.gz', gzipSync],
  ['.zst', zstdCompressSync],
] as const) {
  test(`a cut-off ${extension} file gives what could be read, then a clear error (K1, F3)`, async (t) => {
    const lines = Array.from(
      { length: 60_000 },
      (_, index) => `{"line":${index + 1},"hash":${Math.imul(index, 2654435761)}}`,
    );
    const packed = pack(`${lines.join('\n')}\n`);
    const path = fileWith(t, `events.jsonl${extension}`, packed.subarray(0, packed.length >> 1));
    const { seen, failure } = await read(path);
    assert.equal((failure as { code?: string }).code, 'TRG_FILE_UNREADABLE');
    assert.match((failure as Error).message, /is cut off: the packed data ends early/);
    assert.ok(seen.length > 15_000, `only ${seen.length} lines`);
    assert.deepEqual(
      seen,
      lines.slice(0, seen.length).map((text, index) => [index + 1, text]),
    );
  });

  test(`a ${extension} file that is not packed is a clear error`, async (t) => {
    const { seen, failure } = await read(fileWith(t, `events.jsonl${extension}`, 'not packed at all'));
    assert.deepEqual(seen, []);
    assert.match((failure as Error).message, /is damaged/);
  });
}

test('a missing file is a clear error, whatever it is called', async () => {
  for (const name of ['tripline-no-such-file.jsonl', 'tripline-no-such-file.jsonl.gz']) {
    const { failure } = await read(join(tmpdir(), name));
    assert.equal((failure as { code?: string }).code, 'TRG_FILE_UNREADABLE');
    assert.match((failure as Error).message, /does not exist/);
  }
});

const MAPPING = `
format: csv
columns: { userId: user, event: what, timestamp: when, messageId: null }
timestampFormat: "YYYY-MM-DD HH:mm:ss"
timezone: UTC
properties: [page]
`;

function csv(t: TestContext, text: string, mapping = MAPPING): Promise<Read> {
  return read(fileWith(t, 'events.csv', text), { mapping: fileWith(t, 'map.yaml', mapping) });
}

test('a CSV row becomes a message, its quotes and line breaks undone', async (t) => {
  const { seen } = await csv(t, '\ufeffwhen,user,what,page\r\n2024-01-04 11:45:38,u1,"view, ""all""","a\nb"\r\n');
  assert.deepEqual(seen, [
    [
      2,
      {
        type: 'track',
        messageId: 'csv-c17d1beb035edcbed34e3d37',
        userId: 'u1',
        event: 'view, "all"',
        timestamp: '2024-01-04T11:45:38.000Z',
        properties: { page: 'a\nb' },
      },
    ],
  ]);
});

test('rows of equal content get different messageIds, the same each time they are read (M1)', async (t) => {
  const text = 'when,user,what,page\n2024-01-04 11:45:38,u1,view,a\n2024-01-04 11:45:38,u1,view,a\n';
  const first = (await csv(t, text)).seen.map((entry) => (entry as [number, { messageId: string }])[1].messageId);
  const second = (await csv(t, text)).seen.map((entry) => (entry as [number, { messageId: string }])[1].messageId);
  assert.deepEqual(first, second);
  assert.notEqual(first[0], first[1]);
});

test('a malformed row is an error at its line, and every other row is read (V1)', async (t) => {
  const good = (user: string) => `2024-01-04 11:45:38,${user},view,a`;
  const rows = [
    'when,user,what,page',
    good('u2'),
    '2024-01-04 11:45:38,u3,view',
    '2024-02-30 11:45:38,u4,view,a',
    '2024-01-04 11:45:38,u5,"vi"ew,a',
    good('u6'),
    '2024-01-04 11:45:38,u7,"never closed,a',
    good('u8'),
    '2024-01-04 11:45:38,u9,view "quoted,a',
    good('u10'),
    good('u11'),
  ];
  const { seen } = await csv(t, rows.join('\n'));
  assert.deepEqual(
    seen.map((entry) => {
      const [line, what] = entry as [number, string | { userId: string }];
      return [line, typeof what === 'string' ? what : what.userId];
    }),
    [
      [2, 'u2'],
      [3, 'TRG_RECORD_UNREADABLE'],
      [4, 'TRG_RECORD_INVALID'],
      [5, 'TRG_RECORD_UNREADABLE'],
      [6, 'u6'],
      [7, 'TRG_RECORD_UNREADABLE'],
      [8, 'u8'],
      [9, 'TRG_RECORD_UNREADABLE'],
      [10, 'u10'],
      [11, 'u11'],
    ],
  );
});

test('a quote never closed costs one row, also in a long file (V2)', async (t) => {
  const row = '2024-01-04 11:45:38,u1,view,a';
  const { seen } = await csv(t, `when,user,what,page\n${row.replace('view', '"view')}\n${`${row}\n`.repeat(5_000)}`);
  assert.equal(seen.length, 5_001);
  assert.deepEqual(seen[0], [2, 'TRG_RECORD_UNREADABLE']);
  assert.equal(seen.filter((entry) => typeof (entry as unknown[])[1] === 'string').length, 1);
});

test('columns that the file does not have are errors in the mapping, with those it has', async (t) => {
  const { failure } = await csv(t, 'when,user,what,paeg\n', MAPPING.replace('userId: user', 'userId: account'));
  const lines = (failure as Error).message.split('\n');
  assert.equal((failure as { code?: string }).code, 'TRG_CONFIG_INVALID');
  assert.match(
    lines[1] ?? '',
    /map\.yaml:3:20: .*events\.csv has no column "account" \(its columns: when, user, what, paeg\)$/,
  );
  assert.match(lines[2] ?? '', /map\.yaml:6:14: .*events\.csv has no column "page" \(did you mean "paeg"\?\)$/);
});

test('mistakes in the mapping are errors with their place', async (t) => {
  const check = (mapping: string): string => {
    try {
      void readEvents('x.csv', { mapping: fileWith(t, 'map.yaml', mapping) });
    } catch (error) {
      return (error as Error).message.replaceAll(/\S*map\.yaml/g, 'map.yaml');
    }
    return 'no error';
  };
  assert.match(
    check('columns: { userId: u, event: e, timestamp: t }\ntimezon: UTC'),
    /map\.yaml:2:1: unknown field "timezon"/,
  );
  assert.match(check('columns: { event: e, timestamp: t }'), /map\.yaml:1:1: missing field "userId"/);
  assert.match(check(MAPPING.replace('YYYY', 'QQQQ')), /map\.yaml:4:18: "Q" in the format is not known/);
  assert.match(
    check(MAPPING.replace('UTC', 'Mars/Olympus')),
    /map\.yaml:5:11: the time zone "Mars\/Olympus" is not known/,
  );
  assert.match(check(MAPPING.replace('null', '5')), /map\.yaml:3:67: "columns\.messageId" must be text or null/);
  assert.match(check(''), /the document/);
});

test('a CSV file without a mapping is a usage error', () => {
  assert.throws(() => readEvents('events.csv.gz'), { code: 'TRG_USAGE' });
});

test('a CSV file without a header is an error', async (t) => {
  const { failure } = await csv(t, '');
  assert.match((failure as Error).message, /has no header line/);
});
