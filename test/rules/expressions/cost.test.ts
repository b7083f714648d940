import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import type { CompiledExpression } from '../../../rules/expressions/compiler.ts';
import { ExpressionCompiler } from '../../../rules/expressions/compiler.ts';
import { jsonOfValue } from '../../../rules/expressions/values.ts';
import { event, scopeOf } from '../kit.ts';

const compiler = new ExpressionCompiler({
  channels: [],
  segments: new Set(),
  models: new Set(),
  remoteModels: new Set(),
});
const NAMES = { captures: [], insteadOfEvent: null };

function compile(source: string): CompiledExpression {
  const { compiled, problems } = compiler.compile(source, NAMES);
  assert.deepEqual(problems, []);
  return compiled!;
}

function problemsOf(source: string): string[] {
  return compiler.compile(source, NAMES).problems.map(({ offset, message }) => `${offset} ${message}`);
}

/** An event of about 40,000 characters: more than the HTTP API takes. */
const LARGE = event('e', 0, {
  texts: Array.from({ length: 4_000 }, (_, index) => `k${index}`),
  numbers: Array.from({ length: 4_000 }, (_, index) => index % 10),
  long: 'x'.repeat(8_000),
});

test('what looks at all of an outer value for each element fails on an event for which that is too much (C2)', () => {
  for (const source of [
    'event.properties.texts.all(x, x in event.properties.texts)',
    'event.properties.numbers.all(x, size(event.properties.long) > 0)',
    'event.properties.texts.exists(x, event.properties.long.contains(x))',
    'event.properties.texts.all(x, event.properties == event.properties)',
    'event.properties.texts.map(x, event.properties.texts) == event.properties.texts.map(x, event.properties.texts)',
    'event.properties.texts.map(x, x).all(z, z in event.properties.texts)',
  ]) {
    assert.throws(() => compile(source).evaluate(scopeOf({ event: LARGE })), /are too many/, source);
  }
});

test('the same on an event of ordinary size is evaluated (C2)', () => {
  const lines = Array.from({ length: 100 }, (_, index) => ({
    sku: `sku-${index}`,
    price: index,
    tags: ['new', 'sale'],
  }));
  const order = event('order', 0, { lines, wanted: ['sku-7', 'sku-8'] });
  const source = 'event.properties.lines.exists(line, line.sku in event.properties.wanted)';
  assert.equal(compile(source).evaluate(scopeOf({ event: order })), true);
});

test('what looks at each element once is evaluated however large the event (C1)', () => {
  for (const source of [
    'event.properties.texts.all(x, x != "y")',
    'event.properties.numbers.filter(x, x > 5.0).size() > 3',
    'event.properties.texts.exists(x, x == event.properties.long) == false',
    'size(event.properties.long) > 5',
  ]) {
    assert.equal(compile(source).evaluate(scopeOf({ event: LARGE })), true, source);
  }
});

test('loops over written-out lists inside each other are refused when they are too many (C3)', () => {
  const ten = `[${Array.from({ length: 10 }, (_, index) => index).join(', ')}]`;
  const eleven = `[${Array.from({ length: 11 }, (_, index) => index).join(', ')}]`;
  assert.deepEqual(problemsOf(`${ten}.all(a, ${ten}.all(b, ${ten}.all(c, a + b + c < 28)))`), []);
  assert.match(problemsOf(`${eleven}.all(a, ${ten}.all(b, ${ten}.all(c, a + b + c < 28)))`)[0]!, /take too many turns/);
  assert.deepEqual(problemsOf(`event.properties.texts.all(x, ${ten}.all(a, ${ten}.all(b, a < 11)))`), []);
  assert.match(
    problemsOf(`event.properties.texts.all(x, ${eleven}.all(a, ${ten}.all(b, a < 11)))`)[0]!,
    /take too many turns/,
  );
});

test('a value that is larger than any event is not taken out of an expression', () => {
  const list = Array.from({ length: 2_000 }, (_, index) => index);
  assert.throws(() => jsonOfValue(list.map(() => list)), /too large/);
  assert.throws(() => jsonOfValue(list.map(() => 'x'.repeat(1_000))), /too large/);
});

test('the worst that is let through ends within a second, on an event at the limit (C1)', () => {
  const elements = 1_100;
  const atLimit = event('e', 0, {
    texts: Array.from({ length: elements }, (_, index) => `k${index}`),
    long: 'x'.repeat(35_000),
  });
  const long = `size([${Array.from({ length: 340 }, () => 'size(event.properties.long)').join(', ')}]) > 0`;
  const sources = ['event.properties.texts.all(x, size(event.properties.long) > 0)', long];
  for (const source of sources) {
    const expression = compile(source);
    const start = performance.now();
    assert.equal(expression.evaluate(scopeOf({ event: atLimit })), true);
    // Some 0.15 s on an idle machine; the bound leaves room for a busy one.
    assert.ok(performance.now() - start < 5_000);
  }
});
