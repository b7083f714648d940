import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileWith, type Read, read, refusals } from './kit.ts';

const MAPPING = 'columns: { userId: user, event: what, timestamp: when }\n';

function csv(t: TestContext, rows: readonly string[], more = ''): Promise<Read> {
  return read(fileWith(t, 'e.csv', rows.join('\n')), { mapping: fileWith(t, 'map.yaml', MAPPING + more) });
}

function csvRefusals(t: TestContext, rows: readonly string[], more = ''): Promise<readonly string[]> {
  return refusals(fileWith(t, 'e.csv', rows.join('\n')), { mapping: fileWith(t, 'map.yaml', MAPPING + more) });
}

/** The user of each row that was read. */
function usersOf({ seen, failure }: Read): unknown {
  assert.equal(failure, null);
  return seen.map((entry) => {
    const [, what] = entry as [number, string | { userId?: string }];
    return typeof what === 'string' ? what : (what.userId ?? null);
  });
}

test('ids that Excel has rounded to one number are refused, and do not make two people one', async (t) => {
  const rows = [
    'user,what,when',
    '1.23457E+15,view,2026-01-01',
    '"1,23457E+15",view,2026-01-01',
    '1E5,view,2026-01-01',
    'e+5,view,2026-01-01',
  ];
  assert.deepEqual(usersOf(await csv(t, rows)), ['TRG_RECORD_INVALID', 'TRG_RECORD_INVALID', '1E5', 'e+5']);
  const [first] = await csvRefusals(t, rows);
  assert.match(first ?? '', /^2: the column "user" holds an id as Excel rounds it .*format the column as text/);
});

test('what exporters write for no value is nobody’s id', async (t) => {
  for (const word of [
    'NULL',
    'null',
    '\\N',
    'None',
    'NaN',
    'undefined',
    '#N/A',
    '#REF!',
    '[object Object]',
    '(null)',
  ]) {
    const read = await csv(t, [
      'user,what,when',
      `${word},view,2026-01-01`,
      'nullman,view,2026-01-01',
      ',view,2026-01-01',
    ]);
    assert.deepEqual(usersOf(read), ['TRG_RECORD_INVALID', 'nullman', null], word);
  }
  const [message] = await csvRefusals(t, ['user,what,when', 'NULL,view,2026-01-01']);
  assert.match(message ?? '', /holds "NULL", which is nobody's id: leave the cell empty/);
});

for (const [time, hint] of [
  ['45295.5', 'a day number of Excel'],
  ['1767225600', 'epoch-s'],
  ['1767225600.25', 'epoch-s'],
  ['1767225600000', 'epoch-ms'],
  ['########', 'too narrow'],
  ['', 'it is empty'],
] as const) {
  test(`of the time ${time || '(empty)'} is said what it probably is`, async (t) => {
    const [message] = await csvRefusals(t, ['user,what,when', `u1,view,${time}`]);
    assert.match(message ?? '', /^2: the column "when" is not a time in the form iso: /);
    assert.ok(message?.includes(hint), message);
  });
}

test('a header in quotes behind a byte order mark is a header', async (t) => {
  assert.deepEqual(usersOf(await csv(t, ['\ufeff"user","what","when"', '"u1","view","2026-01-01"'])), ['u1']);
});

test('rows that end in one comma more than the header are refused with both numbers', async (t) => {
  const [message] = await csvRefusals(t, ['user,what,when', 'u1,view,2026-01-01,']);
  assert.match(message ?? '', /the row has 4 columns, the header has 3/);
});

test('a last line without an end, and a footer, cost nothing else', async (t) => {
  assert.deepEqual(usersOf(await csv(t, ['user,what,when', 'u1,view,2026-01-01', '(1 row)'])), [
    'u1',
    'TRG_RECORD_UNREADABLE',
  ]);
});

test('a tab or another character that cannot be seen within an id stays: nothing is trimmed', async (t) => {
  assert.deepEqual(usersOf(await csv(t, ['user,what,when', 'u1 ,view,2026-01-01', '\u00a0u1,view,2026-01-01'])), [
    'u1 ',
    '\u00a0u1',
  ]);
});

const HOLE = '\0'.repeat(5_000);

test('a hole of zeros between lines is reported, and the line behind it is read', async (t) => {
  const path = fileWith(t, 'e.jsonl', `{"n":1}\n${HOLE}{"n":2}\n{"n":3}\n`);
  assert.deepEqual((await read(path)).seen, [
    [1, '{"n":1}'],
    [2, 'TRG_RECORD_UNREADABLE'],
    [2, '{"n":2}'],
    [3, '{"n":3}'],
  ]);
  assert.deepEqual(await refusals(path), ['2: 5000 zero bytes stand here: the file has a hole']);
});

test('a tail of zeros, as a crash leaves it, is reported', async (t) => {
  assert.deepEqual((await read(fileWith(t, 'e.jsonl', `{"n":1}\n${HOLE}`))).seen, [
    [1, '{"n":1}'],
    [2, 'TRG_RECORD_UNREADABLE'],
  ]);
});

test('a hole of zeros within a line costs nothing on its two sides', async (t) => {
  assert.deepEqual((await read(fileWith(t, 'e.jsonl', `{"n":1}${HOLE}{"n":2}\n{"n":3}\n`))).seen, [
    [1, '{"n":1}'],
    [1, 'TRG_RECORD_UNREADABLE'],
    [1, '{"n":2}'],
    [2, '{"n":3}'],
  ]);
});

test('a hole far larger than a line may be is one error, and takes no memory', async (t) => {
  const path = fileWith(t, 'e.jsonl', Buffer.concat([Buffer.alloc(8_000_000), Buffer.from('{"n":1}\n')]));
  assert.deepEqual((await read(path, { recordBytesMax: 1_000 })).seen, [
    [1, 'TRG_RECORD_UNREADABLE'],
    [1, '{"n":1}'],
  ]);
});

test('a hole in a CSV file is reported, and the row behind it is read', async (t) => {
  assert.deepEqual(usersOf(await csv(t, ['user,what,when', `${HOLE}u1,view,2026-01-01`])), [
    'TRG_RECORD_UNREADABLE',
    'u1',
  ]);
});

test('a hole of zeros within a list is reported once, and the events on its two sides are read', async (t) => {
  assert.deepEqual((await read(fileWith(t, 'e.json', `[{"n":1},${HOLE}{"n":2}]`))).seen, [
    [1, '{"n":1}'],
    [1, 'TRG_RECORD_UNREADABLE'],
    [1, '{"n":2}'],
  ]);
});
