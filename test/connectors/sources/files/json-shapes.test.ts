import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonValues } from '../../../../connectors/sources/files/json-values.ts';
import { fileWith, read, refusals } from './kit.ts';

const SHAPES: readonly (readonly [what: string, text: string, lines: readonly number[]])[] = [
  ['a list in one line', '[{"n":1},{"n":2}]', [1, 1]],
  ['a list over several lines', '[\n  {"n":1},\n  {"n":2}\n]\n', [2, 3]],
  ['a list in each line', '[{"n":1}]\n[{"n":2}]\n', [1, 2]],
  ['a list behind a byte order mark', '\ufeff[{"n":1},{"n":2}]', [1, 1]],
  ['objects one after the other', '{"n":1}{"n":2}', [1, 1]],
  ['objects with a space between them', '{"n":1} {"n":2}\n', [1, 1]],
  ['objects that each end in a comma', '{"n":1},\n{"n":2},\n', [1, 2]],
  ['objects behind record separators (RFC 7464)', '\x1e{"n":1}\n\x1e{"n":2}\n', [1, 2]],
];

for (const [what, text, lines] of SHAPES) {
  test(`${what}: each is an event`, async (t) => {
    const { seen, failure } = await read(fileWith(t, 'e.json', text));
    assert.equal(failure, null);
    assert.deepEqual(seen, [
      [lines[0], '{"n":1}'],
      [lines[1], '{"n":2}'],
    ]);
  });
}

test('objects spread over several lines are read, at the line where each begins', async (t) => {
  const { seen } = await read(fileWith(t, 'e.json', '{\n  "n": 1\n}\n{\n  "n": 2\n}\n'));
  assert.deepEqual(
    seen.map((entry) => [(entry as [number])[0], JSON.parse((entry as [number, string])[1])]),
    [
      [1, { n: 1 }],
      [4, { n: 2 }],
    ],
  );
});

test('two events in one line of JSON Lines, whose line end somebody lost, are both read', async (t) => {
  const { seen } = await read(fileWith(t, 'e.jsonl', '{"n":1}\n{"n":2}{"n":"}{"}\n{"n":3}\n'));
  assert.deepEqual(seen, [
    [1, '{"n":1}'],
    [2, '{"n":2}'],
    [2, '{"n":"}{"}'],
    [3, '{"n":3}'],
  ]);
});

test('a line of JSON Lines that does not end costs only itself, also when it is the first', async (t) => {
  const { seen } = await read(fileWith(t, 'e.jsonl', '{"n":1\n{"n":2}\n'));
  assert.deepEqual(seen, [
    [1, '{"n":1'],
    [2, '{"n":2}'],
  ]);
});

test('a list that is cut off is an error after what could be read', async (t) => {
  const { seen, failure } = await read(fileWith(t, 'e.json', '[{"n":1},\n{"n":2'));
  assert.deepEqual(seen, [
    [1, '{"n":1}'],
    [2, 'TRG_RECORD_UNREADABLE'],
  ]);
  assert.match((failure as Error).message, /e\.json is cut off: the list of events that begins in line 1 does not end/);
});

test('in a list, a text that does not end costs its own event', async (t) => {
  const path = fileWith(t, 'e.json', '[\n{"n":1},\n{"n":"2},\n{"n":3}\n]');
  assert.deepEqual((await read(path)).seen, [
    [2, '{"n":1}'],
    [3, 'TRG_RECORD_UNREADABLE'],
    [4, '{"n":3}'],
  ]);
  assert.match((await refusals(path))[0] ?? '', /the value that begins here is not JSON: a text in it does not end/);
});

test('an event of a list that is too large is refused, and the next is read (J1)', async (t) => {
  const { seen } = await read(fileWith(t, 'e.json', `[{"n":"${'x'.repeat(500)}"},{"n":2}]`), { recordBytesMax: 100 });
  assert.deepEqual(seen, [
    [1, 'TRG_RECORD_TOO_LARGE'],
    [1, '{"n":2}'],
  ]);
});

test('values come out whole and in order, whatever the chunks they come in (J2)', () => {
  const separator = fc.constantFrom('', '\n', ' , ', '\r\n', ',\n');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), separator), { minLength: 1 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 20 }),
      (values, isList, size) => {
        const body = values.map(([value, after]) => JSON.stringify(value) + after).join('');
        const bytes = Buffer.from(isList ? `[${body}]` : body);
        const splitter = new JsonValues(1_000_000);
        const found = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...splitter.split(bytes.subarray(at, at + size)));
        found.push(...splitter.end());
        assert.deepEqual(
          found.map((line) => line.bytes?.toString()),
          values.map(([value]) => JSON.stringify(value)),
        );
        assert.equal(splitter.openList, null);
      },
    ),
  );
});
