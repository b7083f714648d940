// Random bodies of rules: pattern, condition and gates, over the names and properties of generators.ts.
//
// Owns: what a random rule may say. Expressions compare numbers with double literals, as CEL asks for.

import fc from 'fast-check';
import type { OracleRule } from '../oracle/oracle.ts';

type Body = Omit<OracleRule, 'id'>;
type Fields = Readonly<Record<string, unknown>>;

const eventName = fc.constantFrom('add', 'buy', 'view', 'login');
const eventNames = fc.oneof(
  { weight: 5, arbitrary: eventName },
  { weight: 1, arbitrary: fc.uniqueArray(eventName, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant('*') },
);
/** Tens of seconds: the unit of generators.ts. */
const duration = fc.integer({ min: 1, max: 6 }).map((units) => `${units * 10}s`);
const by = fc.constantFrom('event.properties.cart', 'event.properties.tag', 'event.event');

/** A test of `of` (`event` or a capture); `value` and `tag` may be missing. */
function test(of: string): fc.Arbitrary<string> {
  const bound = fc.integer({ min: 0, max: 4 });
  const value = fc
    .tuple(fc.constantFrom('>=', '<', '==', '!='), bound)
    .map(([operator, number]) => `${of}.properties.value ${operator} ${number}.0`);
  const cart = fc.constantFrom('c1', 'c2').map((name) => `${of}.properties.cart == "${name}"`);
  const tag = fc.constantFrom('x', 'y').map((name) => `${of}.properties.tag != "${name}"`);
  const one = fc.oneof(cart, value, tag);
  const both = fc.tuple(one, fc.constantFrom('&&', '||'), one).map(([a, operator, b]) => `${a} ${operator} ${b}`);
  return fc.oneof({ weight: 4, arbitrary: one }, { weight: 1, arbitrary: both });
}

/** The field in one rule of `weight` + 1; left out otherwise, and when shrunk. */
function sometimes(name: string, value: fc.Arbitrary<unknown>, weight = 2): fc.Arbitrary<Fields> {
  return fc.oneof(
    { weight, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: value.map((chosen) => ({ [name]: chosen })) },
  );
}

function together(...parts: readonly fc.Arbitrary<Fields>[]): fc.Arbitrary<Fields> {
  return fc.tuple(...parts).map((fields) => Object.assign({}, ...fields));
}

function field(name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Fields> {
  return value.map((chosen) => ({ [name]: chosen }));
}

const where = sometimes('where', test('event'));

const event = together(field('event', eventNames), where, sometimes('as', fc.constant('origin')));

const absence = together(
  field('after', together(field('event', eventName), where, field('as', fc.constant('origin')))),
  field('of', of()),
  field('within', duration),
  sometimes('restart', fc.constantFrom('latest', 'each', 'first'), 1),
  sometimes('by', by, 4),
);

function of(): fc.Arbitrary<unknown> {
  const condition = fc.oneof(test('event'), fc.constant('event.properties.cart == origin.properties.cart'));
  const one = together(field('event', eventNames), sometimes('where', condition));
  return fc.oneof(
    { weight: 4, arbitrary: one },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 2 }) },
  );
}

const inactive = together(field('for', duration), sometimes('event', eventNames, 1), sometimes('by', by, 4));

const count = together(
  field('event', eventNames),
  field('atLeast', fc.integer({ min: 1, max: 4 })),
  field('within', duration),
  where,
  sometimes('by', by, 4),
);

const PATTERN_FIELDS: Readonly<Record<string, fc.Arbitrary<Fields>>> = {
  event: together(event, sometimes('by', by, 8)),
  absence: field('absence', absence),
  inactive: field('inactive', inactive),
  count: field('count', count),
};

/** All of a rule but its id and `order`. */
export function ruleBody(pattern: 'event' | 'absence' | 'inactive' | 'count'): fc.Arbitrary<Body> {
  const key = pattern === 'absence' ? 'origin.properties.cart' : 'event.properties.cart';
  const cooldown = fc.oneof(
    duration,
    duration.map((text) => ({ for: text, key })),
  );
  const limit = together(field('max', fc.integer({ min: 1, max: 3 })), field('per', duration));
  const seen = pattern === 'absence' ? fc.constantFrom('event', 'origin') : fc.constant('event');
  return together(
    field('when', PATTERN_FIELDS[pattern]!),
    sometimes('enabled', fc.boolean(), 15),
    sometimes('if', seen.chain(test), 3),
    sometimes('cooldown', cooldown),
    sometimes('limit', fc.array(limit, { minLength: 1, maxLength: 2 })),
  ) as fc.Arbitrary<Body>;
}
