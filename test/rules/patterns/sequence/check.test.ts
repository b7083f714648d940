import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, errorsOf } from '../../kit.ts';

function messages(steps: string, fields = '', rest = ''): string[] {
  return check(`{ id: a, when: { sequence: { steps: [${steps}]${fields} } }${rest} }`).errors.map(
    (error) => error.message,
  );
}

const REFUSED: readonly (readonly [what: string, steps: string, fields: string, message: string])[] = [
  ['a step that names nothing', '{ as: x }', '', 'a step needs "event" or "not"'],
  ['next in the first step', '{ event: a, next: any }', '', '"next" has no meaning in the first step'],
  ['max below min', '{ event: a, times: { min: 3, max: 2 } }', '', '"max" must be at least "min"'],
  [
    'next between repetitions that there are not',
    '{ event: a, times: { max: 1, next: any } }',
    '',
    '"next" has no meaning in a step that does not repeat',
  ],
  [
    'greed where there is no choice',
    '{ event: a, greedy: true }',
    '',
    '"greedy" needs a step that may take more or fewer',
  ],
  [
    'greed before an optional step',
    '{ event: a, times: { min: 1 }, greedy: true }, { event: b, optional: true }, { event: c }',
    '',
    'a greedy step cannot stand before an optional one',
  ],
  ['not as the first step', '{ not: { event: a } }, { event: b }', '', 'a sequence cannot begin with "not"'],
  [
    'not at the end without within',
    '{ event: a }, { not: { event: b } }',
    '',
    'a "not" at the end needs "within" in the sequence',
  ],
  [
    'not before optional steps only',
    '{ event: a }, { not: { event: b } }, { event: c, optional: true }',
    '',
    'a "not" cannot be followed by optional steps only',
  ],
  [
    'as in a not step',
    '{ event: a }, { not: { event: b }, as: x }, { event: c }',
    '',
    '"as" does not belong beside "not"',
  ],
  [
    'where in a not step',
    '{ event: a }, { not: { event: b }, where: "true" }, { event: c }',
    '',
    '"where" does not belong beside "not"',
  ],
  [
    'next: any in a not step',
    '{ event: a }, { not: { event: b }, next: any }, { event: c }',
    '',
    '"next" of a not step is strict or relaxed',
  ],
  ['until with nothing to end', '{ event: a }, { event: b }', ', until: { event: c }', '"until" has nothing to end'],
  ['a name given twice', '{ event: a, as: x }, { event: b, as: x }', '', 'the name "x" is used already'],
  ['a name before its step', "{ event: a, where: 'y.properties.n == 1' }, { event: b, as: y }", '', 'unknown name "y"'],
  ['its own name in a single step', "{ event: a, as: x, where: 'x.properties.n == 1' }", '', 'unknown name "x"'],
  [
    'a reserved name',
    '{ event: a, as: event }',
    '',
    '"event" cannot be a name: it means something in expressions already',
  ],
  ['no step at all', '', '', '"steps" must not be empty'],
];

for (const [what, steps, fields, message] of REFUSED) {
  test(`refused: ${what}`, () => assert.deepEqual(messages(steps, fields), [message]));
}

test('a mistake is reported at its place, with a hint', () => {
  const text = `id: a
when:
  sequence:
    steps:
      - { event: a }
      - { not: { event: b }, times: { min: 2 } }
      - { event: c }
`;
  assert.deepEqual(errorsOf(text), [
    'rule.yaml:6:37: "times" does not belong beside "not" (a not step has "not" and "next" only)',
  ]);
});

test('a mistake elsewhere in the step brings no other with it', () => {
  assert.deepEqual(messages('{ event: a }, { not: { event: b } }', ', within: soon'), [
    '"within" must be a duration, not "soon"',
  ]);
  assert.equal(messages('{ event: 5, as: x }').length, 1);
});

test('the lists that steps with times capture are lists in the rest of the rule', () => {
  const steps = '{ event: a, as: clicks, times: { min: 2 } }';
  assert.deepEqual(messages(steps, '', ", if: 'size(clicks) > 2 && clicks[0].properties.n == 1'"), []);
  assert.deepEqual(messages(steps, '', ", if: 'clicks.exists(click, click.properties.n == 1)'"), []);
  assert.equal(messages(steps, '', ", if: 'clicks.properties.n == 1'").length, 1);
});

test('until may read what was captured up to the first step without bound', () => {
  const steps = '{ event: a, as: x }, { event: b, as: y, times: { min: 1 } }, { event: c, as: z }';
  assert.deepEqual(messages(steps, ", until: { event: d, where: 'size(y) == 2 && x.properties.n == 1' }"), []);
  assert.deepEqual(messages(steps, ", until: { event: d, where: 'z.properties.n == 1' }"), ['unknown name "z"']);
});
