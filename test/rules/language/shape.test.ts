import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { formatProblem } from '../../../lib/problem.ts';
import { parseRuleFile } from '../../../rules/language/parse.ts';
import { duration, fields } from '../../../rules/language/parts.ts';
import { compileShape } from '../../../rules/language/shape.ts';
import { errorsOf } from '../kit.ts';

const Thing = fields({
  id: Type.String({ minLength: 1 }),
  parts: Type.Optional(Type.Array(fields({ n: Type.Integer(), for: Type.Optional(duration('How long.')) }))),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
const shapeOf = compileShape(Thing, 'a thing');

function read(text: string): { value: unknown; problems: string[] } {
  const { value, problems } = shapeOf(parseRuleFile('t.yaml', text).documents[0]!);
  return { value, problems: problems.map(formatProblem) };
}

test('the value lacks what was wrong and keeps everything else, entries of lists at their place (S1)', () => {
  assert.deepEqual(read('id: a\nparts: [{ n: 1 }, { n: x, for: 1d }, 5, { m: 2, n: 3 }]\nother: 1\n'), {
    value: { id: 'a', parts: [{ n: 1 }, { for: '1d' }, undefined, { n: 3 }] },
    problems: [
      't.yaml:3:1: unknown field "other" (known here: id, parts, data)',
      't.yaml:2:24: "n" must be a whole number, not "x"',
      't.yaml:2:38: an entry of "parts" must be a mapping, not 5',
      't.yaml:2:43: unknown field "m" (did you mean "n"?)',
    ],
  });
});

test('what is wrong as a whole is left out as a whole (S1)', () => {
  assert.deepEqual(read('id: a\nparts: { n: 1 }'), {
    value: { id: 'a' },
    problems: ['t.yaml:2:8: "parts" must be a list, not a mapping'],
  });
  assert.deepEqual(read('[1]'), { value: undefined, problems: ['t.yaml:1:1: a thing must be a mapping, not a list'] });
});

test('numbers that JSON lacks are wrong where a number is asked for, and null where anything is', () => {
  assert.deepEqual(read('id: a\nparts: [{ n: .inf }]\ndata: { a: [.nan, 1] }'), {
    value: { id: 'a', parts: [{}], data: { a: [null, 1] } },
    problems: ['t.yaml:2:14: "n" must be a whole number, not Infinity'],
  });
});

test('a name of the language of objects is a name like any other', () => {
  assert.deepEqual(read('id: a\ntoString: 1\n__proto__: 2').problems, [
    't.yaml:2:1: unknown field "toString" (known here: id, parts, data)',
    't.yaml:3:1: unknown field "__proto__" (known here: id, parts, data)',
  ]);
});

test('values that were written in another form are answered with the right one', () => {
  const rule = (fields: string): string => `id: a\nwhen: { event: e }\n${fields}\n`;
  const cases: Readonly<Record<string, string>> = {
    'quietHours: { from: "21:00", to: 8:00 }': '"to" cannot be "8:00" (quote it, two digits: "08:00")',
    'quietHours: { from: 21:00, to: 08 }':
      '"to" must be a time of day such as "21:00", not 8 (quote it, two digits: "08:00")',
    'cooldown: 24':
      '"cooldown" must be a duration such as 24h, or a mapping, not 24 (24h? durations have a unit: ms, s, m, h, d or w)',
    'limit: [{ max: 1, per: 24 }]':
      '"per" must be a duration such as 24h, not 24 (24h? durations have a unit: ms, s, m, h, d or w)',
    'holdout: 0.1': '"holdout" must be a percentage such as 50%, or a mapping, not 0.1 ("10%")',
    'holdout: { share: 10, group: g }': '"share" must be a percentage such as 50%, not 10 ("10%")',
    'holdout: "0.1"': '"holdout" cannot be "0.1" ("10%")',
    'if: true': `"if" must be a CEL expression in quotes, not true (quote it: 'true')`,
    'category: 5': `"category" must be text, not 5 (quote it: '5')`,
  };
  for (const [fields, expected] of Object.entries(cases)) {
    assert.equal(errorsOf(rule(fields))[0]?.replace(/^rule\.yaml:3:\d+: /, ''), expected);
  }
  const absence = 'id: a\nwhen: { absence: { after: { event: e }, of: f, within: 24 } }';
  assert.match(
    errorsOf(absence).join(),
    /"within" must be a duration such as 24h, not 24 \(24h\? durations have a unit/,
  );
  const url = {
    models: [{ file: 'm.yaml', text: 'id: m\ntype: http\nurl: x\nfeatures: [{ name: n, value: profile.n }]' }],
  };
  assert.deepEqual(errorsOf(rule(''), { context: url }), [
    'm.yaml:3:6: "url" cannot be "x" (such as https://models.example.com/lead)',
  ]);
});
