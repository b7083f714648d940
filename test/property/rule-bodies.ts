// Random bodies of rules: pattern, condition and gates, over the names and properties of generators.ts.
//
// Owns: what a random rule may say. Expressions compare numbers with double literals, as CEL asks for.

import fc from 'fast-check';
import type { OracleRule } from '../oracle/oracle.ts';
import { by, duration, eventName, eventNames, type Fields, field, sometimes, test, together, where } from './fields.ts';
import { compoundOf, FIGURE_FIELDS } from './figure-bodies.ts';
import { sequenceBody } from './sequence-bodies.ts';

type Body = Omit<OracleRule, 'id'>;
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
  ...FIGURE_FIELDS,
  sequence: field('sequence', sequenceBody(3)),
};

const INNER = ['event', 'absence', 'inactive', 'count', ...Object.keys(FIGURE_FIELDS)];

function patternFields(pattern: string): fc.Arbitrary<Fields> {
  if (pattern !== 'all' && pattern !== 'any') return PATTERN_FIELDS[pattern]!;
  return compoundOf(
    pattern,
    fc.constantFrom(...INNER).chain((inner) => PATTERN_FIELDS[inner]!),
  );
}

/** All of a rule but its id and `order`. */
export function ruleBody(pattern: string): fc.Arbitrary<Body> {
  const key = pattern === 'absence' ? 'origin.properties.cart' : 'event.properties.cart';
  const cooldown = fc.oneof(
    duration,
    duration.map((text) => ({ for: text, key })),
  );
  const limit = together(field('max', fc.integer({ min: 1, max: 3 })), field('per', duration));
  const seen = pattern === 'absence' ? fc.constantFrom('event', 'origin') : fc.constant('event');
  return together(
    field('when', patternFields(pattern)),
    sometimes('enabled', fc.boolean(), 15),
    sometimes('if', seen.chain(test), 3),
    sometimes('cooldown', cooldown),
    sometimes('limit', fc.array(limit, { minLength: 1, maxLength: 2 })),
  ) as fc.Arbitrary<Body>;
}
