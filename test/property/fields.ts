// What the fields of random rules are made of.
//
// Owns: names, durations, conditions, and putting fields together.

import fc from 'fast-check';

export type Fields = Readonly<Record<string, unknown>>;

export const eventName = fc.constantFrom('add', 'buy', 'view', 'login');
export const eventNames = fc.oneof(
  { weight: 5, arbitrary: eventName },
  { weight: 1, arbitrary: fc.uniqueArray(eventName, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant('*') },
);
/** Tens of seconds: the unit of generators.ts. */
export const duration = fc.integer({ min: 1, max: 6 }).map((units) => `${units * 10}s`);
export const by = fc.constantFrom('event.properties.cart', 'event.properties.tag', 'event.event');

/** A test of `of` (`event` or a capture); `value` and `tag` may be missing. */
export function test(of: string): fc.Arbitrary<string> {
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
export function sometimes(name: string, value: fc.Arbitrary<unknown>, weight = 2): fc.Arbitrary<Fields> {
  return fc.oneof(
    { weight, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: value.map((chosen) => ({ [name]: chosen })) },
  );
}

export function together(...parts: readonly fc.Arbitrary<Fields>[]): fc.Arbitrary<Fields> {
  return fc.tuple(...parts).map((fields) => Object.assign({}, ...fields));
}

export function field(name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Fields> {
  return value.map((chosen) => ({ [name]: chosen }));
}

export const where = sometimes('where', test('event'));
