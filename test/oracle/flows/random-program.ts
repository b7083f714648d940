// Random programs: all steps, lists in lists, names on some of the steps.
//
// Owns: the arbitraries of `then`. Does not own: the rules around it (random.ts).
//
// Invariants:
//   G1. No step is out of reach: an exit is the last of an arm beside which the flow may go on. Names are unique.
//   G2. Times are multiples of one unit, so that deadlines, goals and waits meet events to the millisecond.

import fc from 'fast-check';
import { kindOf, type StepBody } from './rule.ts';

/** Lists of steps in lists of steps. */
const DEPTH = 3;
const STEPS_MAX = 3;

/** Events that only flows look at, beside those of the patterns. */
export const FLOW_NAMES = ['click', 'done'] as const;
export const CHANNELS = ['email', 'sms', 'push', 'webhook'] as const;
const CONDITIONS = [
  'profile.plan == "pro"',
  'inFlow("r0")',
  'inFlow("r1")',
  'profile.seen != "yes"',
  'profile.none == 1.0',
];
const duration = fc.constantFrom('5s', '10s', '20s', '30s', '40s', '60s');
const condition = fc.constantFrom(...CONDITIONS);
export const maybe = <Value>(arbitrary: fc.Arbitrary<Value>, weight = 2): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const flowEvent = fc.constantFrom('add', 'buy', 'view', 'login', ...FLOW_NAMES);

/** The fields that have a value. */
export function fields<Body extends object>(
  arbitraries: { readonly [Name in keyof Body]: fc.Arbitrary<Body[Name] | undefined> },
): fc.Arbitrary<Body> {
  return fc
    .record(arbitraries as Record<string, fc.Arbitrary<unknown>>, { noNullPrototype: true })
    .map((body) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as Body);
}

const send = fields<NonNullable<StepBody['send']>>({
  channel: fc.constantFrom(...CHANNELS),
  fallback: maybe(fc.subarray(['sms', 'webhook'], { minLength: 1 }), 3),
  template: fc.constant('t'),
  if: maybe(condition, 4),
  onSkip: maybe(fc.constantFrom('continue', 'exit'), 4),
  data: maybe(fc.constant({ plan: 'profile.plan', days: '4h', n: 1 }), 3),
})
  .map((body) => ({ ...body, fallback: body.fallback?.filter((name) => name !== body.channel) ?? [] }))
  .map(({ fallback, ...body }) => (fallback.length === 0 ? body : { ...body, fallback }));

const wait = fc.oneof(
  duration,
  duration.map((text) => ({ for: text })),
  fc.constantFrom('00:01', '00:05').map((until) => ({ until })),
  fc.constant({ until: 'profile.ends' }),
);

const where = maybe(
  fc.constantFrom('event.properties.cart == "c1"', 'event.properties.flow == flow.id', 'flow.rule == "r0"'),
  3,
);

/** A list of steps; `depth` more may lie inside. `mayExit`: it may end with one. */
function list(depth: number, mayExit: boolean, min = 0): fc.Arbitrary<StepBody[]> {
  const steps = fc.array(step(depth), { minLength: min, maxLength: STEPS_MAX });
  if (!mayExit) return steps;
  const exit = fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
  return fc.tuple(steps, exit).map(([made, exits]) => (exits ? [...made, { exit: true }] : made));
}

function step(depth: number): fc.Arbitrary<StepBody> {
  const plain: fc.Arbitrary<StepBody>[] = [
    send.map((body) => ({ send: body })),
    send.map((body) => ({ send: body })),
    wait.map((body) => ({ wait: body })),
    fc.constantFrom('"yes"', 'profile.plan').map((seen) => ({ set: { seen } })),
    fc.constant({ emit: { event: 'pinged', properties: { cart: '"c1"' } } }),
    fields<NonNullable<StepBody['review']>>({
      if: maybe(condition),
      atMost: duration,
      onTimeout: fc.constantFrom('approve', 'reject'),
    }).map((body) => ({ review: body })),
    waitForOne(depth),
  ];
  if (depth <= 1) return fc.oneof(...plain);
  return fc.oneof(...plain, branch(depth), choose(depth), waitForAny(depth), waitForOne(depth));
}

const inner = (depth: number, mayExit: boolean): fc.Arbitrary<StepBody[]> =>
  depth <= 1 ? fc.constant([]) : list(depth - 1, mayExit, 1);

function branch(depth: number): fc.Arbitrary<StepBody> {
  const arm = fc.record({ if: condition, do: inner(depth, true) }, { noNullPrototype: true });
  const otherwise = maybe(
    inner(depth, false).map((steps) => ({ else: steps })),
    1,
  );
  return fc
    .tuple(fc.array(arm, { minLength: 1, maxLength: 2 }), otherwise)
    .map(([arms, last]) => ({ branch: last === undefined ? arms : [...arms, last] }));
}

function choose(depth: number): fc.Arbitrary<StepBody> {
  const weight = fc.integer({ min: 1, max: 3 });
  return fc
    .tuple(fc.constantFrom('e0', 'e1'), weight, weight, inner(depth, false))
    .map(([experiment, a, b, steps]) => ({
      choose: {
        experiment,
        variants: [
          { name: 'a', weight: a, do: steps },
          { name: 'b', weight: b, do: [{ set: { seen: '"yes"' } }] },
        ],
      },
    }));
}

function waitForOne(depth: number): fc.Arbitrary<StepBody> {
  // An empty list says nothing, and is not in the language.
  const nothing = fc.constant(undefined);
  const then = depth <= 1 ? nothing : maybe(inner(depth, true), 1);
  const onTimeout = depth <= 1 ? nothing : maybe(inner(depth, false), 1);
  return fields<NonNullable<StepBody['waitFor']>>({ event: flowEvent, where, atMost: duration, then, onTimeout }).map(
    (body) => ({ waitFor: body }),
  );
}

function waitForAny(depth: number): fc.Arbitrary<StepBody> {
  const entry = fc
    .tuple(flowEvent, where, inner(depth, true))
    .map(([event, condition, steps]) => ({ event, ...(condition !== undefined && { where: condition }), do: steps }));
  return fc
    .tuple(fc.array(entry, { minLength: 1, maxLength: 3 }), duration)
    .map(([any, atMost]) => ({ waitFor: { any, atMost } }));
}

/** A program with names on some of its steps, each once. */
export const program: fc.Arbitrary<StepBody[]> = fc
  .tuple(list(DEPTH, false, 1), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
  .map(([steps, named]) => {
    let count = 0;
    const visit = (all: readonly StepBody[]): StepBody[] =>
      all.map((one) => {
        const number = count++;
        const name = named[number] === true && kindOf(one) !== 'exit' ? { name: `s${number}` } : {};
        return { ...name, ...withInner(one, visit) };
      });
    return visit(steps);
  });

/** The step with its lists as `visit` makes them, in the order of the file. */
function withInner(one: StepBody, visit: (steps: readonly StepBody[]) => StepBody[]): StepBody {
  const { branch, choose, waitFor } = one;
  if (branch !== undefined) {
    return { branch: branch.map((arm) => ('else' in arm ? { else: visit(arm.else) } : { ...arm, do: visit(arm.do) })) };
  }
  if (choose !== undefined) {
    return { choose: { ...choose, variants: choose.variants.map((each) => ({ ...each, do: visit(each.do ?? []) })) } };
  }
  if (waitFor === undefined) return one;
  const inOrder = Object.entries(waitFor).map(([field, value]) => {
    if (field === 'then' || field === 'onTimeout') return [field, visit(value as readonly StepBody[])];
    return [field, field === 'any' ? waitFor.any!.map((each) => ({ ...each, do: visit(each.do ?? []) })) : value];
  });
  return { waitFor: Object.fromEntries(inOrder) as StepBody['waitFor'] & object };
}
