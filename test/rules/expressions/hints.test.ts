import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpressionCompiler, type Names } from '../../../rules/expressions/compiler.ts';

const NAMES: Names = { captures: ['cart'], insteadOfEvent: null };
const compiler = new ExpressionCompiler({
  channels: ['email'],
  segments: new Set(),
  models: new Set(),
  remoteModels: new Set(),
});

/** What people write out of habit, and a part of the hint that they get. */
const HABITS: readonly (readonly [source: string, hint: string])[] = [
  ['event.properties.$current_url == "x"', 'write event.properties["$current_url"]'],
  ['event.properties.utm-source == "x"', 'if it is one name: event.properties["utm-source"]'],
  ['event.properties.a.b-c.d == 1', 'event.properties.a["b-c"]'],
  ['event.properties.in == 1', 'write event.properties["in"]'],
  ['event.properties.null == 1', 'write event.properties["null"]'],
  ['event.properties.true', 'write event.properties["true"]'],
  ['event.properties.utm source == "x"', 'if it is one name: event.properties["utm source"]'],
  ['event.properties.order id > 1', 'event.properties["order id"]'],
  ['event.properties.2fa == true', 'write event.properties["2fa"]'],
  ['event.properties.käse == 1', 'write event.properties["käse"]'],
  ['event.properties.@type == "x"', 'write event.properties["@type"]'],
  ['profile.$initial_referrer == "x"', 'write profile["$initial_referrer"]'],
  ['profile.first-name == "x"', 'profile["first-name"]'],
  ['cart.properties.$value > 1', 'write cart.properties["$value"]'],
  ['event.properties.items.0.price > 5', 'event.properties.items[0], of a mapping event.properties.items["0"]'],
  ['count("x", 7d) > 2', 'the duration stands in quotes: count("login", "7d")'],
  ['sent("email", 24h) == 0', 'the duration stands in quotes: sent("email", "24h")'],
  ['opened(7d) > 1', 'the duration stands in quotes: opened("7d")'],
  ['count("x", "7 days") > 1', 'such as 90s, 5m, 24h'],
  ['now - 7d > event.timestamp', 'duration("24h"), in quotes'],
  ['daysSince(profile.birthday) > 18y', 'duration("24h"), in quotes'],
  ['event.event === "x"', 'equality is =='],
  ['event.event !== "x"', 'equality is =='],
  ['event.event <> "x"', 'unequal is !='],
  ['event.event == "x" AND true', 'write && for and'],
  ['event.event == "x" & true', 'and is &&'],
  ['event.event == "x" | true', 'or is ||'],
  ['not event.properties.x', 'write ! for not'],
  ['event.event not in ["a"]', 'write !(x in ["a", "b"])'],
  ['!event.event in ["a"]', '! binds closer than in'],
  ['event.properties.x is null', 'write == null or != null'],
  ['event.properties.x is not null', 'write == null or != null'],
  ['event.properties.x == None', 'write null'],
  ['event.properties.x == undefined', 'has(event.properties.x)'],
  ['event.properties.x == True', 'write true, in small letters'],
  ['event.properties.x ?? 5', 'write has(event.properties.x) ?'],
  ['event.properties?.x == 1', 'has(event.properties.x) asks'],
  ['if event.properties.x then 1 else 2', 'condition ? this : that'],
  ['event.event == "x" then true', 'condition ? this : that'],
  ['event.event.includes("x")', 'text.contains'],
  ['event.event.contains "x"', 'text.contains'],
  ['event.event.length > 5', 'size(x)'],
  ['len(event.properties.items) > 3', 'size(x)'],
  ['event.event like "x"', '.matches("…")'],
  ['event.event IN ("a", "b")', 'x in ["a", "b"]'],
  ['event.event in ("a", "b")', 'x in ["a", "b"]'],
  ['event.event in "a,b"', 'text.contains'],
  ['event.properties.x between 1 and 5', 'write x >= 1 && x <= 5'],
  ['1 < event.properties.x < 5', 'one comparison at a time'],
  ['event.properties.x > 1,000', 'no separators'],
  ['event.properties.x > 10%', '10% is 0.1'],
  ['event.properties.x > $5', 'without its currency'],
  ['event.properties.x > 5€', 'without its currency'],
  ['event.properties.x ** 2 > 4', 'write x * x'],
  ['event.properties.x += 1', 'it changes nothing'],
  ['event.event == “x”', 'straight quotes'],
  [`event.event == 'it's'`, 'stands in double quotes'],
  ['event.event == "x', 'its closing quote is missing'],
  ['(event.event == "x"', 'ends too early'],
  ['event.event == "x")', 'one ) too many'],
  ['event.event == "x";', 'without ;'],
  ['{{ event.event }} == "x"', 'no template'],
  [`\${event.event} == "x"`, 'no template'],
  ['event.event == "x" # note', 'begins with //'],
  ['event.event =~ "x"', 'text.matches'],
  ['event.event.matches(/x/)', 'text.matches'],
  ['event.event.matches("\\d+")', 'double the \\'],
  ['event.event.startswith("x")', 'text.startsWith'],
  ['event.event.toLowerCase() == "x"', 'text.lowerAscii()'],
  ['event.properties.items.some(i => i.price > 5)', 'list.exists(i, i.price > 5)'],
  ['sum(event.properties.items) > 5', 'aggregate'],
  ['round(event.properties.x) == 1', 'compare with bounds'],
  ['now() > event.timestamp', 'without parentheses'],
  ['today() == 5', 'without parentheses'],
  ['event.timestamp > "2026-01-01"', 'write timestamp("'],
  ['event.time > now', 'event.timestamp'],
  ['event.name == "x"', 'event.event'],
  ['properties.x > 5', 'write event.properties'],
  ['user.plan == "pro"', 'profile.plan'],
  ['isset(event.properties.x)', 'has(event.properties.x)'],
  ['has(event.properties["x"])', '"x" in event.properties'],
  ['let x = 5', 'no variables of its own'],
  ['SELECT 1', 'no SQL'],
  ['event.properties.x in [1..5]', 'write x >= 1 && x <= 5'],
  ['event.event == "a" + 1', 'string(x)'],
  ['event.event == "x" && && true', 'missing between the two operators'],
  ['event..properties', 'one point too many'],
  ['.properties.x', 'begins with a name'],
  ['"x" "y"', 'something is missing between the texts'],
  ['event.properties.price > .5', '0.5'],
  ['true true', 'an operator is missing before it'],
];

for (const [source, hint] of HABITS) {
  test(`a mistake gets a hint: ${source}`, () => {
    const { compiled, problems } = compiler.compileCondition(source, NAMES);
    assert.equal(compiled, null);
    const said = problems.map((problem) => problem.hint ?? '').join('; ');
    assert.ok(said.includes(hint), said);
    for (const { message } of problems)
      assert.doesNotMatch(message, /\b(IDENTIFIER|RPAREN|RBRACKET|EOF|DOT|COLON|NUMBER)\b/);
  });
}

test('what is right gets no hint, and names in brackets are what the hints promise', () => {
  for (const source of [
    'event.properties["$current_url"] == "x"',
    'event.properties["utm-source"] == "x" && event.properties["in"] == 1',
    'event.properties.a - cart.properties.b > 1',
    'event.properties.items.exists(i, i.price > 5)',
    'event.event == "a and b, 7d = $5; is null"',
  ]) {
    assert.deepEqual(compiler.compileCondition(source, NAMES).problems, [], source);
  }
});
