import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileWith, type Read, read } from './kit.ts';

const MAPPING = 'columns: { userId: user, event: what, timestamp: when }\nproperties: [note]\n';
const HEADER = 'user,what,when,note';
const row = (user: string, note: string): string => `${user},view,2026-01-01T10:00:00Z,${note}`;

function csv(t: TestContext, text: string, more = ''): Promise<Read> {
  return read(fileWith(t, 'e.csv', text), { mapping: fileWith(t, 'map.yaml', MAPPING + more) });
}

function notesOf({ seen, failure }: Read): unknown {
  assert.equal(failure, null);
  return seen.map((entry) => {
    const [line, what] = entry as [number, string | { properties: { note: string } }];
    return [line, typeof what === 'string' ? what : what.properties.note];
  });
}

test('blank lines inside of quotes stay, and those between rows count for nothing', async (t) => {
  const text = `${HEADER}\n\n${row('u1', '"a\n\n  \nb"')}\n   \n${row('u2', 'c')}\n`;
  assert.deepEqual(notesOf(await csv(t, text)), [
    [3, 'a\n\n  \nb'],
    [8, 'c'],
  ]);
});

for (const [delimiter, name] of [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'bars'],
] as const) {
  const text = [HEADER, row('u1', '"a, b"'), row('u2', '"say ""hi"""')].join('\n').replaceAll(/,(?! )/g, delimiter);

  test(`a file separated by ${name} is read when the mapping says so`, async (t) => {
    const read = await csv(t, text, `delimiter: ${JSON.stringify(delimiter)}\n`);
    assert.deepEqual(notesOf(read), [
      [2, 'a, b'],
      [3, 'say "hi"'],
    ]);
  });

  test(`that a file is separated by ${name} is said when the mapping does not`, async (t) => {
    const { failure } = await csv(t, text);
    assert.match((failure as Error).message, new RegExp(`e\\.csv is separated by ${name} \\(delimiter: `));
    assert.ok((failure as Error).message.includes(`(delimiter: ${JSON.stringify(delimiter)})`));
  });
}

test('that a file is separated by commas is said when the mapping names something else', async (t) => {
  const { failure } = await csv(t, `${HEADER}\n${row('u1', 'a')}\n`, 'delimiter: ";"\n');
  assert.match((failure as Error).message, /is separated by commas \(delimiter: ","\)/);
});

test('the line by which Excel names the separator is understood', async (t) => {
  const text = `\ufeffsep=;\r\n${HEADER.replaceAll(',', ';')}\r\n${row('u1', 'a').replaceAll(',', ';')}\r\n`;
  assert.deepEqual(notesOf(await csv(t, text)), [[3, 'a']]);
});

test('rows that end in a carriage return alone are rows, with line feeds inside of quotes', async (t) => {
  const text = `${HEADER}\r${row('u1', '"a\nb"')}\r${row('u2', 'c')}\r`;
  assert.deepEqual(notesOf(await csv(t, text)), [
    [2, 'a\nb'],
    [3, 'c'],
  ]);
});

test('a row of empty fields between tabs is no blank line', async (t) => {
  const { seen } = await csv(t, `${HEADER.replaceAll(',', '\t')}\n\t\t\t\n\n`, 'delimiter: "\\t"\n');
  assert.deepEqual(seen, [[2, 'TRG_RECORD_INVALID']]);
});

test('a mapping whose delimiter is no single character, or whose encoding is not known, is an error', async (t) => {
  const messageOf = async (more: string): Promise<string> => {
    const { failure } = await csv(t, HEADER, more);
    return (failure as Error).message;
  };
  assert.match(await messageOf('delimiter: ";;"\n'), /"delimiter" must/);
  assert.match(await messageOf('encoding: utf8\n'), /"encoding" must be one of utf-8, latin1/);
});
