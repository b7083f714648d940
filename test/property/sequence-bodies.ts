// Random sequences, with everything the language lets stand in them, over the names and properties of generators.ts.
//
// Owns: what a random sequence may say. Combinations that the checker refuses are left out here, too.

import fc from 'fast-check';
import type { SequenceBody, SequenceStep } from '../oracle/sequence-body.ts';

const eventName = fc.constantFrom('add', 'add', 'buy', 'buy', 'view');
const eventNames = fc.oneof(
  { weight: 4, arbitrary: eventName },
  { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom('add', 'buy', 'view'), { minLength: 2, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant('*') },
);
const next = fc.constantFrom('relaxed', 'relaxed', 'any', 'strict');

const TIMES = [
  { min: 2, max: 2 },
  { min: 1, max: 2 },
  { min: 1 },
  { min: 2 },
  { min: 0 },
  { min: 0, max: 2 },
  { max: 3 },
] as const;

/** What a step is made of; `where` and `not` come as numbers that choose among what may be said at that place. */
const draft = fc.record({
  event: eventNames,
  where: fc.nat(11),
  times: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: fc.constantFrom(...TIMES) }),
  inner: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: next }),
  optional: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  next: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: next }),
  greedy: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  not: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.record({ event: eventNames, where: fc.nat(11), strict: fc.boolean() }) },
  ),
});
type Draft = typeof draft extends fc.Arbitrary<infer Value> ? Value : never;

/** At most `stepsMax` steps; `within` and the rest as they come. */
export function sequenceBody(stepsMax = 4): fc.Arbitrary<SequenceBody> {
  return fc
    .record({
      drafts: fc.array(draft, { minLength: 1, maxLength: stepsMax }),
      within: fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }) },
      ),
      until: fc.oneof(
        { weight: 2, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.record({ event: eventNames, where: fc.nat(11) }) },
      ),
      skip: fc.constantFrom(null, 'past-last', 'none', 'none', 'to-next'),
      by: fc.oneof(
        { weight: 5, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constant('event.properties.tag') },
      ),
    })
    .map(({ drafts, within, until, skip, by }) => {
      const steps = stepsOf(drafts);
      const loops = drafts.findIndex((one) => one.times !== null && !('max' in one.times));
      const endsInNot = steps.at(-1)!.not !== undefined;
      return {
        steps,
        ...(within === null && !endsInNot ? {} : { within: `${(within ?? 3) * 10}s` }),
        ...(until === null || loops < 0
          ? {}
          : { until: filterOf(until.event, until.where, drafts.slice(0, loops + 1)) }),
        ...(skip === null ? {} : { skip: skip as 'none' }),
        ...(by === null ? {} : { by }),
      };
    });
}

function stepsOf(drafts: readonly Draft[]): SequenceStep[] {
  return drafts.flatMap((one, at): SequenceStep[] => {
    const behind = drafts.slice(at + 1);
    const isLeftOut = behind.length > 0 && behind.every(isOptional);
    const step = { ...positive(one, at, drafts), as: `s${at}` };
    if (one.not === null || isLeftOut) return [step];
    const not = { not: filterOf(one.not.event, one.not.where, drafts.slice(0, at + 1)) };
    return [step, one.not.strict ? { ...not, next: 'strict' as const } : not];
  });
}

function positive(one: Draft, at: number, drafts: readonly Draft[]): SequenceStep {
  const { times, inner, optional, next } = one;
  const repeats = times !== null;
  const isGreedy = one.greedy && isFlexible(one) && (at + 1 >= drafts.length || !isOptional(drafts[at + 1]!));
  return {
    ...filterOf(one.event, one.where, drafts.slice(0, at), repeats ? `s${at}` : null),
    ...(times === null ? {} : { times: inner === null ? times : { ...times, next: inner as 'any' } }),
    ...(optional ? { optional } : {}),
    ...(next === null || at === 0 ? {} : { next: next as 'any' }),
    ...(isGreedy ? { greedy: true } : {}),
  };
}

function isOptional(one: Draft): boolean {
  return one.optional || (one.times !== null && 'min' in one.times && one.times.min === 0);
}

function isFlexible(one: Draft): boolean {
  if (isOptional(one)) return true;
  if (one.times === null) return false;
  return !('max' in one.times) || !('min' in one.times) || one.times.min !== one.times.max;
}

/** `choice` is of conditions on the event alone, or on what the steps before have taken; most have none. */
function filterOf(event: string | string[], choice: number, before: readonly Draft[], own: string | null = null) {
  const lists = before.flatMap((one, at) => (one.times === null ? [] : [`s${at}`]));
  const singles = before.flatMap((one, at) => (one.times === null ? [`s${at}`] : []));
  const list = own ?? lists.at(-1);
  const single = singles.at(-1);
  const choices = [
    'event.properties.value >= 2.0',
    'event.properties.tag == "x"',
    single === undefined ? null : `event.properties.value == ${single}.properties.value`,
    single === undefined ? null : `event.properties.cart != ${single}.properties.cart`,
    list === undefined ? null : `size(${list}) < 2`,
    list === undefined ? null : `size(${list}) == 0 || event.properties.cart == ${list}[0].properties.cart`,
  ];
  const where = choices[choice] ?? null;
  return where === null ? { event } : { event, where };
}
