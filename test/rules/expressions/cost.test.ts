import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import type { CompiledExpression } from '../../../rules/expressions/compiled-expression.ts';
import { ExpressionCompiler } from '../../../rules/expressions/compiler.ts';
import { jsonOfValue } from '../../../rules/expressions/values.ts';
import { event, scopeOf } from '../kit.ts';

const compiler = new ExpressionCompiler({
  channels: [],
  segments: new Set(['worst']),
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

/** Text without order, the same in every run. */
function mixedText(length: number): string {
  let seed = 7;
  let text = 'c';
  while (text.length < length) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    text += seed >>> 31 === 0 ? 'a' : 'b';
  }
  return text;
}

/** Records of Kafka: a megabyte, in lists of texts of so many characters. */
function megabyte(length: number) {
  const text = mixedText(1_000_000);
  const tags = Array.from({ length: Math.floor(1_000_000 / (length + 3)) }, (_, index) =>
    text.slice(index * length, (index + 1) * length),
  );
  const items = Array.from({ length: 50 }, (_, index) => ({ tags: tags.filter((_tag, at) => at % 50 === index) }));
  const half = 'a'.repeat(250_000);
  return event('e', 0, { tags, items, long: text, plain: half + half, part: `${half.slice(1)}b${half}` });
}

test('searches over a list of the event are counted, and more than an evaluation may do is an error (C4)', () => {
  const seen = megabyte(20);
  for (const source of [
    'event.properties.tags.exists(t, t.matches("[abc]*a[abc]{30}d"))',
    'event.properties.tags.all(t, !t.matches("[abc]*a[abc]{30}[de]"))',
    'event.properties.tags.filter(t, t.matches("[abc]*a[abc]{30}[de]")).size() == 0',
    'event.properties.items.exists(i, i.tags.exists(t, t.matches("[abc]*a[abc]{30}[de]")))',
    'event.properties.long.matches("[abc]*a[abc]{30}[de]")',
    'event.properties.tags.exists(t, t.matches("[abc]*a[abc]{30}[de]")) || true',
  ]) {
    assert.throws(() => compile(source).evaluate(scopeOf({ event: seen })), /too much text for matches\(\)/, source);
  }
  for (const search of ['contains(event.properties.part)', 'indexOf(event.properties.part) > 0']) {
    const source = `event.properties.plain.${search}`;
    assert.throws(() => compile(source).evaluate(scopeOf({ event: seen })), /too much text to look for/, source);
  }
});

test('searches over a list of an event as HTTP takes it are evaluated (C4)', () => {
  const tags = Array.from({ length: 1_500 }, (_, index) => mixedText(20).replace('c', `${index % 10}`));
  const seen = event('e', 0, { tags, long: mixedText(25_000) });
  for (const source of [
    'event.properties.tags.exists(t, t.matches("(a+)+$"))',
    'event.properties.tags.all(t, !t.matches("^[a-z]+@[a-z.]+$"))',
    'event.properties.tags.exists(t, t.matches("^9[ab]+$"))',
    '!event.properties.long.matches("(gold|silver)-[0-9]{4}") || true',
    'event.properties.tags.exists(t, t.contains("ab"))',
    'event.properties.long.indexOf("ab") > 0 && event.properties.long.lastIndexOf("ab", 5) >= -1',
  ]) {
    assert.equal(compile(source).evaluate(scopeOf({ event: seen })), true, source);
  }
});

test('what a segment asks within an evaluation counts as a part of it, and an evaluation after it begins anew (C4, W2)', () => {
  const seen = event('e', 0, { long: mixedText(20_000) });
  const condition = compile('event.properties.long.matches("[abc]*a[abc]{30}[de]")');
  const inSegment = (): boolean => condition.evaluate(scopeOf({ event: seen })) === true;
  const once = compile('inSegment("worst")');
  assert.equal(once.evaluate(scopeOf({ inSegment })), false);
  assert.equal(once.evaluate(scopeOf({ inSegment })), false);
  const twice = compile('inSegment("worst") || inSegment("worst")');
  assert.throws(() => twice.evaluate(scopeOf({ inSegment })), /too much text for matches\(\)/);
});

test('a place outside of the text is an error, and the empty text is found where it is looked for', () => {
  const seen = scopeOf({ event: event('e', 0, { t: 'abc' }) });
  assert.throws(() => compile('event.properties.t.indexOf("a", 3) == 0').evaluate(seen), /not a place in the text/);
  assert.throws(() => compile('event.properties.t.lastIndexOf("a", -1) == 0').evaluate(seen), /not a place/);
  assert.equal(compile('event.properties.t.indexOf("", 7) == 7 && "abcb".lastIndexOf("b") == 3').evaluate(seen), true);
  assert.equal(compile('"abcb".indexOf("b", 2) == 3 && "abcb".lastIndexOf("b", 2) == 1').evaluate(seen), true);
});

test('no search holds an evaluation up for long, whatever the event (C4)', () => {
  const patterns = [
    '(a+)+$',
    '[ab]*a[ab]{8}d',
    '[abc]*a[abc]{16}[de]',
    '(a|b|c)*a(a|b|c){100}[de]$',
    '[ab]*a[ab]{900}[de]',
  ];
  const sources = patterns.flatMap((pattern) => [
    `event.properties.tags.exists(t, t.matches("${pattern}"))`,
    `event.properties.long.matches("${pattern}")`,
    `event.properties.items.exists(i, i.tags.exists(t, t.matches("${pattern}")))`,
  ]);
  const many = Array.from(
    { length: 40 },
    (_, index) => `event.properties.tags.exists(t, t.matches("[ab]*a[ab]{8}${index}"))`,
  );
  sources.push(many.join(' || '), 'event.properties.plain.contains(event.properties.part)');
  for (const seen of [megabyte(5), megabyte(1_000)]) {
    for (const source of sources) {
      const expression = compile(source);
      const start = process.cpuUsage();
      try {
        expression.evaluate(scopeOf({ event: seen }));
      } catch (error) {
        assert.match(String(error), /too much text/);
      }
      const { user } = process.cpuUsage(start);
      // At most some 0.2 s of an idle processor, the compiling of a first run included; the bound leaves room for a busy one.
      assert.ok(user < 1_000_000, `${user / 1_000} ms: ${source}`);
    }
  }
});
