import assert from 'node:assert/strict';
import { it } from 'node:test';
import { evaluate, holds } from './expression.ts';

const names = { event: { event: 'buy', properties: { value: 5, plan: 'pro', none: null, ok: true } } };

const TRUE = [
  'event.properties.value == 5.0 && event.properties.plan == "pro"',
  'event.properties.value != 4.0',
  "event.properties.plan < 'q' && event.properties.plan >= 'pro'",
  'event.properties.value > -1.0 && event.properties.value <= 5.0',
  'event.properties.missing == 1.0 || event.event == "buy"',
  'event.event == "buy" || event.properties.missing == 1.0',
  '!(event.properties.value < 5.0)',
  'event.properties.ok && !false',
  'event.properties.none == null',
  'false && false || true',
];

const FALSE = [
  'event.properties.missing == 1.0',
  'event.properties.missing != 1.0',
  '!(event.properties.missing == 1.0)',
  'event.properties.missing == 1.0 && false',
  'event.properties.plan > 1.0',
  'event.properties.plan == 5.0',
  'event.properties.plan',
  'other.properties.value == 5.0',
  'event.properties.none.deeper == 1.0',
];

for (const source of TRUE) it(`holds: ${source}`, () => assert.equal(holds(source, names), true));
for (const source of FALSE) it(`does not hold: ${source}`, () => assert.equal(holds(source, names), false));

it('gives the value of a path', () => {
  assert.equal(evaluate('event.properties.plan', names), 'pro');
});

it('calls a function that is among the names, with its arguments', () => {
  const asked: unknown[][] = [];
  const sent = (...given: unknown[]): number => {
    asked.push(given);
    return 2;
  };
  assert.equal(holds('sent("any", event.properties.plan) == 2 && !(sent() > 2)', { ...names, sent }), true);
  assert.deepEqual(asked, [['any', 'pro'], []]);
  assert.throws(() => holds('other("any") == 2', names), SyntaxError);
});

it('refuses forms it does not have', () => {
  for (const source of [
    'event.properties.value + 1.0 == 2.0',
    'has(event.properties.value)',
    '(true',
    'sent(1',
    'sent(1 2)',
    'true true',
    '',
  ]) {
    assert.throws(() => evaluate(source, names), SyntaxError);
  }
});
