import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../../lib/problem.ts';
import type { KnownEvents } from '../../../rules/index.ts';
import { check } from '../kit.ts';

const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  add_to_cart: ['value', 'cartId'],
  purchase: ['value', 'utm-source'],
};
const events: KnownEvents = {
  names: new Set(['add_to_cart', 'purchase', 'login']),
  properties: (name) => (PROPERTIES[name] === undefined ? null : new Set(PROPERTIES[name])),
};

function warningsOf(text: string): string[] {
  const { errors, warnings } = check(text, { events });
  assert.deepEqual(errors.map(formatProblem), []);
  return warnings.map(formatProblem);
}

test('a name that no event has had is a warning where it stands, with the nearest one', () => {
  assert.deepEqual(
    warningsOf(
      'id: a\nwhen:\n  absence:\n    after: { event: add_to_kart }\n    of: [purchase, { event: purchas }]\n    within: 1h\n',
    ),
    [
      'rule.yaml:4:21: no event has been called "add_to_kart" (did you mean "add_to_cart"?)',
      'rule.yaml:5:29: no event has been called "purchas" (did you mean "purchase"?)',
    ],
  );
});

test('names in expressions are looked at too', () => {
  assert.deepEqual(
    warningsOf('id: a\nwhen: { event: login }\nif: count("logins", "7d") > 2 && last("signed up") != null\n'),
    [
      'rule.yaml:3:5: no event has been called "logins" (did you mean "login"?)',
      'rule.yaml:3:5: no event has been called "signed up" (there are add_to_cart, login, purchase)',
    ],
  );
});

test('a property that events of the name beside it have not had is a warning', () => {
  assert.deepEqual(
    warningsOf(
      "id: a\nwhen: { event: add_to_cart, where: 'event.properties.valu > 5 && event.properties.cartId != null' }\n",
    ),
    ['rule.yaml:2:37: no event called "add_to_cart" has had a property "valu" (did you mean "value"?)'],
  );
  assert.deepEqual(
    warningsOf(
      'id: a\nwhen: { event: [add_to_cart, purchase], where: \'event.properties["utm-source"] == event.properties.cartId\' }\n',
    ),
    [],
  );
});

test('kinds of messages, our own events, every event, and properties of which nothing is known are no reason to warn', () => {
  for (const text of [
    'id: a\nwhen: { event: "*" }\n',
    'id: a\nwhen: { event: [identify, page, screen, group, alias] }\n',
    'id: a\nwhen: { event: login, where: event.properties.anything > 5 }\n',
    'id: a\nwhen: { inactive: { for: 1d } }\n',
  ]) {
    assert.deepEqual(warningsOf(text), [], text);
  }
});

test('without a catalogue nothing is warned of', () => {
  assert.deepEqual(check('id: a\nwhen: { event: add_to_kart }\n').warnings, []);
});
