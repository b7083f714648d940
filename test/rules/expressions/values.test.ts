import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '@marcbachmann/cel-js';
import { jsonOfValue, textOfValue } from '../../../rules/expressions/values.ts';
import { event } from '../kit.ts';

test('every kind of CEL value becomes JSON', () => {
  const cases: [string, unknown][] = [
    ['3', 3],
    ['3.5', 3.5],
    ['3u', '3'],
    ['1.0 / 0.0', null],
    ['"x"', 'x'],
    ['null', null],
    ['timestamp("2026-01-01T10:00:00Z")', '2026-01-01T10:00:00.000Z'],
    ['duration("90m")', '1h30m'],
    ['duration("-4h")', '-4h'],
    ['b"hi"', 'aGk='],
    ['{"a": [1, 2]}', { a: [1, 2] }],
  ];
  for (const [source, expected] of cases) assert.deepEqual(jsonOfValue(evaluate(source)), expected, source);
  const one = event('e', 0, { n: 1 });
  assert.deepEqual(jsonOfValue(one), one.toJson());
});

test('a list that contains itself ends', () => {
  const list: unknown[] = [];
  list.push(list);
  assert.ok(JSON.stringify(jsonOfValue(list)).length < 200);
});

test('the text of a value tells text from numbers, but not 1 from 1.0', () => {
  assert.equal(textOfValue(1n), textOfValue(1));
  assert.notEqual(textOfValue(1), textOfValue('1'));
  assert.equal(textOfValue(null), null);
});
