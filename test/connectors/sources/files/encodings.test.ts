import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { TextEncoding } from '../../../../lib/text-encoding.ts';
import { fileWith, read, refusals } from './kit.ts';

const MAPPING = 'columns: { userId: user, event: what, timestamp: when }\n';
const ROWS = 'user,what,when\nmüller,view,2026-01-01T10:00:00Z\nmöller,view,2026-01-01T10:00:00Z\n';

function bytesOf(text: string, encoding: TextEncoding): Buffer {
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16();
  return Buffer.from(text, encoding === 'utf-16le' ? 'utf16le' : encoding === 'utf-8' ? 'utf8' : 'latin1');
}

function usersOf(seen: readonly unknown[]): unknown[] {
  return seen.map((entry) => {
    const [, what] = entry as [number, string | { userId: string }];
    return typeof what === 'string' ? what : what.userId;
  });
}

test('two people whose names differ in a letter that is no UTF-8 do not become one', async (t) => {
  const path = fileWith(
    t,
    'e.jsonl',
    Buffer.from('{"userId":"müller"}\n{"userId":"ok"}\n{"userId":"möller"}\n', 'latin1'),
  );
  assert.deepEqual((await read(path)).seen, [
    [1, 'TRG_RECORD_UNREADABLE'],
    [2, '{"userId":"ok"}'],
    [3, 'TRG_RECORD_UNREADABLE'],
  ]);
  const [first] = await refusals(path);
  assert.match(
    first ?? '',
    /^1: byte 13 of the line is no text in the encoding of the file: fc 6c 6c \(.*--encoding windows-1252/,
  );
  assert.doesNotMatch(first ?? '', /ller/);
});

test('a row of CSV that is no UTF-8 is refused alone', async (t) => {
  const path = fileWith(
    t,
    'e.csv',
    Buffer.concat([Buffer.from(ROWS), Buffer.from('gr\xfcn,view,2026-01-01T10:00:00Z\n', 'latin1')]),
  );
  const { seen } = await read(path, { mapping: fileWith(t, 'map.yaml', MAPPING) });
  assert.deepEqual(usersOf(seen), ['müller', 'möller', 'TRG_RECORD_UNREADABLE']);
});

for (const encoding of ['latin1', 'windows-1252', 'utf-16le', 'utf-16be'] as const) {
  test(`${encoding} is read when the mapping says so, and when the caller does`, async (t) => {
    const path = fileWith(t, 'e.csv.gz', gzipSync(bytesOf(ROWS, encoding)));
    const said = await read(path, { mapping: fileWith(t, 'map.yaml', `${MAPPING}encoding: ${encoding}\n`) });
    assert.deepEqual(usersOf(said.seen), ['müller', 'möller']);
    const over = { mapping: fileWith(t, 'map.yaml', `${MAPPING}encoding: utf-8\n`), encoding };
    assert.deepEqual(usersOf((await read(path, over)).seen), ['müller', 'möller']);
    const lines = fileWith(t, 'e.jsonl', bytesOf('{"userId":"müller"}\n', encoding));
    assert.deepEqual((await read(lines, { encoding })).seen, [[1, '{"userId":"müller"}']]);
  });
}

for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
  test(`a byte order mark of ${encoding} is enough, whatever is said`, async (t) => {
    const lines = fileWith(t, 'e.jsonl', bytesOf('\ufeff{"userId":"müller"}\n', encoding));
    assert.deepEqual((await read(lines, { encoding: 'windows-1252' })).seen, [[1, '{"userId":"müller"}']]);
  });
}

test('UTF-16 as Excel writes it, with tabs, is read', async (t) => {
  const path = fileWith(
    t,
    'e.txt',
    bytesOf(`\ufeff${ROWS.replaceAll(',', '\t').replaceAll('\n', '\r\n')}`, 'utf-16le'),
  );
  const { seen } = await read(path, { mapping: fileWith(t, 'map.yaml', `${MAPPING}delimiter: "\\t"\n`) });
  assert.deepEqual(usersOf(seen), ['müller', 'möller']);
});

test('files that were joined keep no byte order mark in their middle', async (t) => {
  const path = fileWith(t, 'e.jsonl', '\ufeff{"n":1}\n\ufeff{"n":2}\n');
  assert.deepEqual((await read(path)).seen, [
    [1, '{"n":1}'],
    [2, '{"n":2}'],
  ]);
});

test('a mapping that is no UTF-8 is an error with its place', async (t) => {
  const mapping = fileWith(t, 'map.yaml', Buffer.from('columns:\n  { userId: größe }\n', 'latin1'));
  const { failure } = await read(fileWith(t, 'e.csv', ROWS), { mapping });
  assert.match(
    (failure as Error).message,
    /map\.yaml:2:15: byte 24 of the file is not UTF-8: f6 df 65 \(save the file as UTF-8/,
  );
});
