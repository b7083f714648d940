import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refusalOf, regularExpression } from '../../../rules/expressions/regular-expression.ts';
import { WORK_MAX, work } from '../../../rules/expressions/work.ts';

/** As one evaluation does. */
function evaluation<Value>(run: () => Value): Value {
  work.begin();
  try {
    const value = run();
    if (work.failure !== null) throw work.failure;
    return value;
  } finally {
    work.end();
  }
}

test('everyday patterns are let through', () => {
  for (const pattern of [
    '^[a-z]+@[a-z.]+$',
    '^(card|cash)$',
    '(?:gold|silver)-[0-9]{4}',
    '^https?://',
    '[*+]{1}a',
    'a\\+b',
    '\\d{3}-\\d{4}',
    '[^\\]]+',
    '(?i)müller',
    '(?P<year>\\d{4})-\\d\\d',
  ]) {
    assert.equal(refusalOf(pattern), null, pattern);
  }
  assert.equal(
    evaluation(() => regularExpression('^(card|cash)$').test('cash')),
    true,
  );
});

test('what RE2 has not is refused, and said where in the pattern', () => {
  const refusals: Readonly<Record<string, RegExp>> = {
    '(a)\\1': /not a regular expression of RE2: .* in "\\1"/,
    '(?=a)b': /in "\(\?=/,
    '(?<!a)b': /not a regular expression of RE2/,
    '(': /missing closing \)/,
    'x[a-': /missing closing \]: in "\[a-"|missing closing \] in "\[a-"/,
    'a**': /invalid nested repetition operator in "\*\*"/,
    'a{2,1}': /invalid repeat/,
    [`${'x'.repeat(1_001)}`]: /longer than 1000 characters/,
    '(a{30}){30}b{200}': /too large: it has \d+ steps, at most 1000/,
    '(a{30}){40}': /invalid repeat/,
  };
  for (const [pattern, expected] of Object.entries(refusals)) {
    assert.match(refusalOf(pattern) ?? 'accepted', expected, pattern);
  }
});

test('patterns that stall an engine that backtracks are as quick as any other (X1)', () => {
  const text = `${'a'.repeat(5_000)}!`;
  const answers: Readonly<Record<string, boolean>> = {
    '(a+)+$': false,
    '(?:a+){5}$': false,
    'a*a*a*a*b': false,
    '([a-z]+)*[0-9]': false,
    '(a*)*$': true,
    '(a|a)*$': true,
    '((a)?){30}$': true,
  };
  for (const [pattern, answer] of Object.entries(answers)) {
    assert.equal(refusalOf(pattern), null, pattern);
    const start = performance.now();
    assert.equal(
      evaluation(() => regularExpression(pattern).test(text)),
      answer,
      pattern,
    );
    // A few milliseconds on an idle machine; backtracking would take longer than the age of the universe.
    assert.ok(performance.now() - start < 2_000, pattern);
  }
});

/** Patterns of which JavaScript and RE2 think the same. */
const pattern = fc.letrec<{ all: string; one: string }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', '\\s', '\\.', 'é', '漢'),
    tie('all').map((inner) => `(${inner})`),
    tie('all').map((inner) => `(?:${inner})`),
  ),
  all: fc
    .array(fc.tuple(tie('one'), fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '*?', '+?')), {
      minLength: 1,
      maxLength: 4,
    })
    .chain((parts) => {
      const text = parts.map(([one, times]) => one + times).join('');
      return fc.constantFrom(text, `^${text}`, `${text}$`, `${text}|b`, `\\b${text}`);
    }),
})).all;

test('the answers are those of JavaScript’s own engine, where that knows the pattern too', () => {
  const subject = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', ' ', '.', '1', '\n', 'é', '漢', '😀'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(pattern, subject, (source, text) => {
      fc.pre(source.length < 60);
      const expected = new RegExp(source, 'u').test(text);
      assert.equal(
        evaluation(() => regularExpression(source).test(text)),
        expected,
        `/${source}/ on ${JSON.stringify(text)}`,
      );
    }),
    { numRuns: 3_000 },
  );
});

test('what a search may do is counted over the whole evaluation, and begins anew with the next (W1, X1)', () => {
  const long = regularExpression('[ab]*a[ab]{40}c');
  const short = regularExpression('^[a-z]+$');
  const chunk = 'ab'.repeat(500);
  const times = (expression: typeof long): number => {
    let count = 0;
    const tryOn = (): void => {
      while (work.failure === null) {
        expression.test(chunk);
        count++;
      }
    };
    assert.throws(
      () => evaluation(tryOn),
      /RangeError: too much text for matches\(\): with this pattern at most some \d+ characters in one evaluation/,
    );
    return count - 1;
  };
  const first = times(long);
  assert.equal(times(long), first, 'the same in each evaluation');
  assert.ok(first >= 15 && first <= 25, `${first}`);
  assert.ok(times(short) > 1_000, 'a pattern with few states is tried on far more');
  assert.throws(() => evaluation(() => short.test('a'.repeat(WORK_MAX))), RangeError);
});

test('an evaluation within another one has no budget of its own (W2)', () => {
  const expression = regularExpression('[ab]*a[ab]{40}c');
  const text = 'ab'.repeat(6_000);
  assert.throws(
    () =>
      evaluation(() => {
        for (let i = 0; i < 3; i++) evaluation(() => expression.test(text));
      }),
    /too much text/,
  );
  for (let i = 0; i < 3; i++) evaluation(() => expression.test(text));
});

test('more patterns than are kept are compiled again (X2)', () => {
  for (let i = 0; i < 2_100; i++) assert.equal(refusalOf(`^${i}$`), null);
  for (const i of [0, 1_000, 2_099]) {
    assert.equal(
      evaluation(() => regularExpression(`^${i}$`).test(String(i))),
      true,
    );
  }
});
