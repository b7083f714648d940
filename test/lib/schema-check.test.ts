import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type, { type TSchema } from 'typebox';
import { type CheckOptions, compileSchema, type Voice } from '../../lib/schema-check.ts';

const strict = { additionalProperties: false };

/** One that repeats values, as rules have it. */
const QUOTING: Voice = {
  nameOf: (path) => `<${path.join('/')}>`,
  missing: (path, field) => `<${path.join('/')}> needs ${field}`,
  unavailable: (field) => `no ${field} yet`,
  quotes: true,
  wordsOf: (pattern) => (pattern === '^a' ? 'something with an a' : null),
};

function findings(schema: TSchema, value: unknown, options: CheckOptions = { voice: QUOTING }): string[] {
  return compileSchema(
    schema,
    options,
  )(value).map(
    ({ path, part, message, hint, unusable }) =>
      `${part} ${path.join('/')}: ${message}${hint === null ? '' : ` (${hint})`}; without ${unusable?.join('/') ?? 'nothing'}`,
  );
}

test('all mistakes are found at once, with what of the value cannot be used (V1)', () => {
  const schema = Type.Object(
    { a: Type.Integer(), b: Type.Array(Type.Object({ c: Type.String(), d: Type.Number() }, strict)) },
    strict,
  );
  assert.deepEqual(
    findings(schema, {
      a: 1.5,
      b: [
        { c: 'x', d: 1 },
        { c: 1, other: 2 },
      ],
      third: 3,
    }),
    [
      'name third: unknown field "third" (known here: a, b); without third',
      'value a: <a> must be a whole number, not 1.5; without a',
      'value b/1: <b/1> needs d; without nothing',
      'name b/1/other: unknown field "other" (known here: c, d); without b/1/other',
      "value b/1/c: <b/1/c> must be text, not 1 (quote it: '1'); without b/1/c",
    ],
  );
  assert.deepEqual(findings(schema, { a: 1, b: [] }), []);
});

test('a value that is wrong in two ways is one mistake (V1)', () => {
  const schema = Type.String({ minLength: 1, maxLength: 3, pattern: '^a' });
  assert.deepEqual(findings(schema, 'bcde'), ['value : <> must have at most 3 characters; without ']);
  assert.deepEqual(findings(schema, 'b'), ['value : <> cannot be "b" (something with an a); without ']);
  assert.deepEqual(findings(schema, '   '), ['value : <> cannot be "   " (something with an a); without ']);
});

test('text that has to be there is not made of spaces', () => {
  assert.deepEqual(findings(Type.String({ minLength: 1 }), '  '), ['value : <> must not be empty; without ']);
  assert.deepEqual(findings(Type.String(), '  '), []);
});

test('of a union only the choice of the value’s type is asked, and its mistakes are told (C1)', () => {
  const schema = Type.Union([
    Type.String({ pattern: '^a' }),
    Type.Object({ n: Type.Integer({ minimum: 1 }) }, strict),
    Type.Array(Type.Union([Type.Null(), Type.Boolean()])),
  ]);
  assert.deepEqual(findings(schema, { n: 0 }), ['value n: <n> must be at least 1; without n']);
  assert.deepEqual(findings(schema, 'b'), ['value : <> cannot be "b" (something with an a); without ']);
  assert.deepEqual(findings(schema, [null, true, 'x']), [
    'value 2: <2> must be null, or true or false, not "x"; without 2',
  ]);
  assert.deepEqual(findings(schema, 7), [
    "value : <> must be text, or a mapping, or a list, not 7 (quote it: '7'); without ",
  ]);
  assert.deepEqual(findings(schema, 'abc'), []);
});

test('a union whose choices cannot be told apart by their type is a mistake of the schema', () => {
  const twice = Type.Union([Type.String({ pattern: '^a' }), Type.String({ pattern: '^b' })]);
  assert.throws(() => compileSchema(twice)('x'), /choices of a union are of different types/);
});

test('definitions may hold themselves, and parts that are alike are asked each at its own place (C2)', () => {
  const node = Type.Object(
    { name: Type.String(), inner: Type.Optional(Type.Array(Type.Unsafe({ $ref: '#/definitions/node' }))) },
    strict,
  );
  const pair = Type.Object({ x: Type.Number() }, strict);
  const schema = Type.Object(
    { root: Type.Unsafe({ $ref: '#/definitions/node' }), a: pair, b: pair },
    {
      ...strict,
      definitions: { node },
    },
  );
  const value = { root: { name: 'r', inner: [{ name: 'i', inner: [{ nam: 1 }] }] }, a: { x: 'y' }, b: {} };
  assert.deepEqual(findings(schema, value).sort(), [
    'name root/inner/0/inner/0/nam: unknown field "nam" (did you mean "name"?); without root/inner/0/inner/0/nam',
    'value a/x: <a/x> must be a number, not "y"; without a/x',
    'value b: <b> needs x; without nothing',
    'value root/inner/0/inner/0: <root/inner/0/inner/0> needs name; without nothing',
  ]);
});

test('what is not available is refused by its name, and nothing else is asked of it', () => {
  const later = Type.Object({ deep: Type.Integer() }, { ...strict, unavailable: true });
  const schema = Type.Object({ later: Type.Optional(later), now: Type.Optional(Type.String()) }, strict);
  assert.deepEqual(findings(schema, { later: { other: 'x' } }), ['name later: no later yet; without later']);
  assert.deepEqual(findings(schema, { latr: 1 }), [
    'name latr: unknown field "latr" (did you mean "later"?); without latr',
  ]);
  assert.deepEqual(findings(schema, { other: 1 }), [
    'name other: unknown field "other" (known here: now); without other',
  ]);
});

test('a value of another kind than text, or of another form, is answered with what was most likely meant', () => {
  const of = (kind: string, pattern: string) => Type.String({ kind, pattern });
  const meant = (kind: string, pattern: string, value: unknown): string | undefined =>
    compileSchema(of(kind, pattern), { voice: QUOTING })(value)[0]?.hint ?? undefined;
  const duration = '^(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+$';
  assert.equal(meant('duration', duration, 24), '24h? durations have a unit: ms, s, m, h, d or w');
  assert.equal(meant('duration', duration, '24'), '24h? durations have a unit: ms, s, m, h, d or w');
  assert.equal(meant('duration', duration, 'soon'), 'such as 90s, 5m, 24h, 7d or 2w');
  assert.equal(meant('duration', duration, true), undefined);
  assert.equal(meant('percentage', '%$', 0.1), '"10%"');
  assert.equal(meant('percentage', '%$', '0.07'), '"7%"');
  assert.equal(meant('percentage', '%$', 10), '"10%"');
  assert.equal(meant('percentage', '%$', -3), undefined);
  assert.equal(meant('time-of-day', '^\\d\\d:\\d\\d$', '8:00'), 'quote it, two digits: "08:00"');
  assert.equal(meant('time-of-day', '^\\d\\d:\\d\\d$', 8), 'quote it, two digits: "08:00"');
  assert.equal(meant('time-of-day', '^\\d\\d:\\d\\d$', 1_290), 'quote it, two digits: "21:30"');
  assert.equal(meant('time-of-day', '^\\d\\d:\\d\\d$', '8am'), 'a time of day such as "21:00"');
  assert.equal(meant('expression', '', 5), "quote it: '5'");
});

test('durations have bounds, and times a zone', () => {
  const duration = Type.String({ kind: 'duration' });
  assert.deepEqual(findings(duration, '0s'), ['value : <> must be longer than nothing; without ']);
  assert.deepEqual(findings(duration, '99999w'), ['value : <> must be at most 36500d; without ']);
  const instant = Type.String({ kind: 'instant' });
  assert.deepEqual(findings(instant, '2026-02-30T00:00:00Z'), [
    'value : <> must be a time with its zone, not "2026-02-30T00:00:00Z" (such as 2026-01-01T10:00:00Z); without ',
  ]);
});

test('settings are called by their whole path, and their values are never repeated', () => {
  const schema = Type.Object(
    {
      keys: Type.Array(Type.String({ minLength: 1 })),
      password: Type.String({ secret: true }),
      wait: Type.String({ format: 'duration' }),
    },
    strict,
  );
  const told = findings(schema, { keys: [13371337, ''], password: 82736455, wait: 5 }, {});
  assert.deepEqual(told, [
    'value keys/0: "keys.0" must be text, not a number (quote it); without keys/0',
    'value keys/1: "keys.1" must not be empty; without keys/1',
    'value password: "password" must be text, not a number (quote it); without password',
    'value wait: "wait" must be a duration such as 5s, not a number (5h? durations have a unit: ms, s, m, h, d or w); without wait',
  ]);
});

test('texts and lists without a bound of their own have the one that is given', () => {
  const schema = Type.Object({ t: Type.String(), l: Type.Array(Type.Integer(), { maxItems: 3 }) }, strict);
  assert.deepEqual(findings(schema, { t: 'abc', l: [1, 2, 3] }, { voice: QUOTING, lengthMax: 2 }), [
    'value t: <t> must have at most 2 characters; without t',
  ]);
});

test('defaults are filled in', () => {
  const part = Type.Object({ n: Type.Integer({ default: 3 }) }, { ...strict, default: {} });
  const value = {};
  assert.deepEqual(compileSchema(Type.Object({ part }, strict))(value), []);
  assert.deepEqual(value, { part: { n: 3 } });
});
