// Random patterns over figures, dates, sessions and other patterns, over the names and properties of generators.ts.

import fc from 'fast-check';
import { by, duration, eventName, eventNames, type Fields, field, sometimes, test, together, where } from './fields.ts';

const value = 'event.properties.value';
const figure = fc.constantFrom(value, value, value, 'event.properties.tag');
const someBy = sometimes('by', by, 5);

const oneSide = fc
  .tuple(fc.constantFrom('above', 'below'), fc.integer({ min: 0, max: 6 }))
  .map(([side, bound]): Fields => ({ [side]: bound }));

const distinctOf = fc.constantFrom('event.properties.tag', 'event.properties.cart', value, 'event.event');

const count = together(
  field('event', eventNames),
  fc.oneof(field('atLeast', fc.integer({ min: 1, max: 3 })), field('atMost', fc.integer({ min: 0, max: 3 }))),
  sometimes('distinct', distinctOf, 1),
  field('within', duration),
  where,
  someBy,
);

const aggregate = together(
  field('event', eventNames),
  fc.tuple(fc.constantFrom('sum', 'avg', 'min', 'max', 'last'), figure).map(([name, of]): Fields => ({ [name]: of })),
  field('within', duration),
  oneSide,
  where,
  someBy,
);

/** `clear` lies on the bound's inner side. */
const excursion = fc
  .tuple(fc.constantFrom('above', 'below'), fc.integer({ min: 0, max: 4 }), fc.integer({ min: -1, max: 3 }))
  .map(([side, bound, slack]): Fields => {
    const clear = side === 'above' ? bound - slack : bound + slack;
    return { [side]: bound, ...(slack < 0 ? {} : { clear }) };
  });

const threshold = together(
  field('event', eventNames),
  field('value', fc.constant(value)),
  excursion,
  sometimes('for', duration, 1),
  where,
  someBy,
);

const percent = (max: number) => fc.integer({ min: 1, max: max / 25 }).map((quarters) => `${quarters * 25}%`);
const sides = fc.oneof(
  field('dropBy', percent(100)),
  field('riseBy', percent(200)),
  together(field('dropBy', percent(100)), field('riseBy', percent(200))),
);

const baseline = together(
  field('event', eventNames),
  field('window', duration),
  field('against', fc.integer({ min: 1, max: 3 })),
  sides,
  where,
  someBy,
);

const plan = fc.constantFrom<unknown>('free', 'pro', null);
const plans = fc.oneof(plan, fc.constant(['free', null]));
const change = fc
  .tuple(sometimes('from', plans), sometimes('to', plans))
  .filter(([from, to]) => from['from'] === undefined || from['from'] !== to['to'])
  .map(([from, to]): Fields => ({ of: 'profile.plan', ...from, ...to }));

const offset = fc.oneof(
  fc.constant({}),
  duration.map((before): Fields => ({ before })),
  duration.map((after): Fields => ({ after })),
);
const at = together(
  fc.oneof(
    fc.constant<Fields>({ date: 'profile.ends' }),
    together(
      field('event', eventName),
      where,
      fc.constantFrom<Fields>({ date: 'event.properties.ends' }, { as: 'origin', date: 'origin.properties.ends' }),
      someBy,
    ),
  ),
  offset,
);

const asked = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((number) => `session.events >= ${number}`),
  fc.tuple(eventName, fc.integer({ min: 1, max: 3 })).map(([name, number]) => `session.count("${name}") >= ${number}`),
  fc.tuple(distinctOf, fc.constantFrom('==', '>')).map(([of, operator]) => `session.distinct(${of}) ${operator} 2`),
  fc.integer({ min: 0, max: 4 }).map((bound) => `session.max(${value}) >= ${bound}.0`),
  duration.map((text) => `session.duration > duration("${text}")`),
);
const session = together(
  field('gap', duration),
  field(
    'when',
    fc.oneof(
      asked,
      fc.tuple(asked, fc.constantFrom('&&', '||'), asked).map(([a, operator, b]) => `${a} ${operator} ${b}`),
      fc.tuple(asked, test('event')).map(([a, b]) => `${a} && ${b}`),
    ),
  ),
  sometimes('on', fc.constantFrom('reached', 'end'), 1),
  sometimes('by', by, 8),
);

export const FIGURE_FIELDS: Readonly<Record<string, fc.Arbitrary<Fields>>> = {
  distinct: field('count', count),
  aggregate: field('aggregate', aggregate),
  threshold: field('threshold', threshold),
  baseline: field('baseline', baseline),
  change: field('change', change),
  at: field('at', at),
  session: field('session', session),
};

/** `all` and `any` of these patterns, which must be without `by`. */
export function compoundOf(kind: 'all' | 'any', inner: fc.Arbitrary<Fields>): fc.Arbitrary<Fields> {
  return together(
    field(kind, fc.array(inner.map(withoutBy), { minLength: kind === 'all' ? 2 : 1, maxLength: 3 }).map(withOwnNames)),
    kind === 'all' ? field('within', duration) : sometimes('within', duration, 1),
    sometimes('by', by, 4),
  );
}

/** Each pattern of the list names its event by itself. */
function withOwnNames(list: readonly Fields[]): Fields[] {
  return list.map((pattern, place) => JSON.parse(JSON.stringify(pattern).replaceAll('origin', `origin${place}`)));
}

function withoutBy(pattern: Fields): Fields {
  return Object.fromEntries(
    Object.entries(pattern)
      .filter(([name]) => name !== 'by')
      .map(([name, body]) => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return [name, body];
        const { by: _by, ...rest } = body as Record<string, unknown>;
        return [name, rest];
      }),
  );
}
