// Routes on the whole way of a message: what goes where, in which order and to whom, is what a straightforward model says (I2), no
// cap is exceeded (I4), and nothing begins after a no (I7); whatever fails, is said meanwhile, or dies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { actionCodec } from '../../schemas/framed.ts';
import {
  ALWAYS,
  type Answer,
  type Came,
  CHANNELS,
  type Meanwhile,
  type MessageCap,
  OPT_IN,
  RoutesModel,
  type Told,
} from '../oracle/routes.ts';
import { holds } from './property.ts';
import { RouteRun, type WrittenRule } from './route-run.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const RULES = 3;
const USERS = ['u1', 'u2'] as const;
/** Of both users: a message that bounces for one is sent to neither. */
const SHARED = 'both@shop.test';
/** The only ways out of a skipped message that lead to its next channel. */
const GOES_ON = new Set(['consent', 'suppressed', 'no-address', 'channel-disabled']);
const AUTO_CHANNELS = { critical: ['push', 'sms', 'email'], operational: ['push', 'email'] } as const;

const category = fc.constantFrom('offers', OPT_IN, ALWAYS, null);
const channel = fc.constantFrom(...CHANNELS);

const rule = (index: number): fc.Arbitrary<WrittenRule> =>
  fc.record({
    id: fc.constant(`r${index}`),
    event: fc.constant(`e${index}`),
    urgency: fc.constantFrom('critical', 'operational', 'marketing'),
    category,
    route: fc.oneof(
      { weight: 3, arbitrary: fc.shuffledSubarray([...CHANNELS], { minLength: 1, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    sends: fc.constant(1),
    order: fc.constant('arrival'),
    validFor: fc.constant(null),
  });

/** Windows that no distance of two steps equals: a death moves a fallback by some seconds. */
const cap: fc.Arbitrary<MessageCap> = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  perMs: fc.constantFrom(10, 60, 120).map((minutes) => minutes * MINUTE + 30 * SECOND),
  channel: fc.constantFrom('any' as const, ...CHANNELS),
  category: fc.constantFrom('offers', OPT_IN, null),
});

const answer = (bounces: number): fc.Arbitrary<Answer> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('failed' as const) },
    { weight: 2, arbitrary: fc.constant('delivered' as const) },
    { weight: bounces, arbitrary: fc.constant('bounce' as const) },
    { weight: 1, arbitrary: fc.constant('disable' as const) },
  );
/** Only two channels have addresses that can bounce. */
const answers = fc.record({
  email: answer(6),
  sms: answer(6),
  push: answer(0),
  inapp: answer(0),
  webhook: answer(0),
});
const meanwhile: fc.Arbitrary<Meanwhile> = fc.constantFrom('no-channel', 'no-category', 'no-all');

const go = fc.record({
  kind: fc.constant('go' as const),
  rule: fc.nat({ max: RULES - 1 }),
  answers,
  meanwhile: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(channel, meanwhile, { minKeys: 1, maxKeys: 3, noNullPrototype: true }) },
  ),
});

const told: fc.Arbitrary<Told> = fc.oneof(
  { weight: 9, arbitrary: go },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('identify' as const),
      traits: fc.record(
        {
          email: fc.constantFrom(SHARED, 'own@shop.test', null),
          phone: fc.constantFrom('+4930123456', null),
          pushToken: fc.constantFrom('t1', null),
          preferredChannel: channel,
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('device' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('consent' as const),
      about: fc.oneof(
        fc.constantFrom('*', 'offers', OPT_IN),
        channel.map((name) => `channel:${name}`),
      ),
      allowed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('enable' as const), channel }) },
);

const act = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'crash' as const }, { kind: 'lose' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('die' as const),
      calls: fc.nat({ max: 60 }),
      when: fc.constantFrom('before', 'after'),
    }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never;

const rules = fc.tuple(rule(0), rule(1), rule(2)) as fc.Arbitrary<readonly WrittenRule[]>;
const caps = fc.array(cap, { maxLength: 3, size: 'max' });
/** Everybody can be reached at first, so that routes have some length. */
const REACHABLE: Told = { kind: 'identify', traits: { email: SHARED, phone: '+4930999999', pushToken: 't0' } };

async function happen({ driver }: RouteRun, one: Act): Promise<void> {
  if (one.kind === 'crash' || one.kind === 'lose') await driver.crash();
  if (one.kind === 'lose') driver.loseStores();
  if (one.kind === 'die') driver.crashes.arm(one.calls, one.when);
}

/** What came of one event, in the words of the model. */
function cameOf(
  decision: Decision,
  actions: readonly Action[],
  deliveries: readonly Delivery[],
  letter: string | null,
): Came {
  const messages = actions.map(({ id, channel: name, attempt, fallback }) => {
    const { outcome, reason } = deliveries.find(({ action }) => action === id)!;
    return `${name} ${attempt} [${fallback}] ${outcome === 'skipped' ? reason : outcome}`;
  });
  const words = decision.outcome === 'fired' ? 'fired' : `${decision.outcome} ${decision.reason}`;
  const passedOver = decision.passedOver.map(({ channel: name, reason }) => `${name} ${reason}`);
  return { decision: words, passedOver, messages, letter };
}

const straight = fc.record({
  rules,
  caps,
  steps: fc.array(fc.record({ user: fc.constantFrom(...USERS), told, gap: fc.constantFrom(1, 3, 6, 10, 60), act }), {
    minLength: 1,
    maxLength: 14,
    size: 'max',
  }),
});

type Straight = typeof straight extends fc.Arbitrary<infer Value> ? Value : never;

/** Plays the plan step by step, each to its end, and holds it against the model; what the model said of each that a rule asked for. */
async function goesTheWay({ rules, caps, steps }: Straight): Promise<readonly Came[]> {
  const came: Came[] = [];
  const run = await RouteRun.open({ rules, caps, isHeld: false });
  const model = new RoutesModel(rules, caps);
  const began = run.clock.now();
  let at = began;
  for (const user of USERS) {
    await run.tell(user, REACHABLE);
    model.tell(user, REACHABLE, at);
  }
  await run.settle();
  for (const { user, told, gap, act } of steps) {
    at += gap * MINUTE;
    await run.clock.advance(at - run.clock.now());
    await happen(run, act);
    await run.tell(user, told);
    const wanted = model.tell(user, told, at);
    await run.settle();
    const { decisions, actions, deliveries, letters } = await run.outputs();
    if (wanted === null) {
      assert.deepEqual([decisions, actions, deliveries, letters], [[], [], [], []]);
      continue;
    }
    assert.equal(decisions.length, 1);
    actions.sort((a, b) => a.attempt - b.attempt);
    const left = letters.map(({ value }) => actionCodec.decode(value!));
    assert.ok(left.length <= 1, 'a route leaves one dead letter at most');
    const letter = left[0] === undefined ? null : `${left[0].channel} ${left[0].attempt}`;
    assert.deepEqual(cameOf(decisions[0]!, actions, deliveries, letter), wanted);
    came.push(wanted);
  }
  assert.ok(run.clock.now() - at < 30 * SECOND, 'deaths move nothing over the edge of a window');
  await run.close();
  return came;
}

holds(
  'each message goes the way of the model, channel after channel, whatever fails, is refused or dies (I2)',
  40,
  straight,
  async (plan) => void (await goesTheWay(plan)),
);

test('a plan that meets every gate and every end of a message goes the way of the model', async () => {
  const made = { urgency: 'operational', category: null, sends: 1, order: 'arrival', validFor: null } as const;
  const rules: readonly WrittenRule[] = [
    { ...made, id: 'r0', event: 'e0', route: ['email', 'sms', 'webhook'] },
    { ...made, id: 'r1', event: 'e1', route: ['sms'] },
    { ...made, id: 'r2', event: 'e2', route: null },
  ];
  const caps = [{ max: 1, perMs: 10 * MINUTE + 30 * SECOND, channel: 'sms', category: null }] as const;
  const all = { email: 'failed', sms: 'delivered', push: 'failed', inapp: 'failed', webhook: 'failed' } as const;
  const step = (gap: Straight['steps'][number]['gap'], told: Told) => {
    return { user: 'u1', gap, told, act: { kind: 'none' } } as const;
  };
  const sent = (rule: number, given: Partial<Record<string, Answer>> = {}, during = {}): Told => {
    return { kind: 'go', rule, answers: { ...all, ...given }, meanwhile: during };
  };
  const came = await goesTheWay({
    rules,
    caps: [...caps],
    steps: [
      step(60, sent(0, { email: 'bounce' })),
      step(1, sent(0)),
      step(60, sent(0, {}, { sms: 'no-channel' })),
      step(1, sent(0, { webhook: 'disable' })),
      step(1, sent(0)),
      step(1, { kind: 'consent', about: 'channel:sms', allowed: true }),
      step(1, { kind: 'identify', traits: { phone: null } }),
      step(60, sent(1)),
      step(1, { kind: 'identify', traits: { phone: '+4930123456', preferredChannel: 'email' } }),
      step(1, sent(1)),
      step(1, sent(1)),
      step(1, { kind: 'look' }),
      step(1, sent(2, { email: 'delivered' })),
    ],
  });
  assert.deepEqual(
    came.map(({ decision, passedOver, messages, letter }) => [decision, passedOver.join(), messages.join(), letter]),
    [
      ['fired', '', 'email 1 [sms,webhook] failed,sms 2 [webhook] delivered', null],
      ['fired', 'sms cap', 'email 1 [webhook] suppressed,webhook 2 [] failed', 'webhook 2'],
      ['fired', 'email suppressed', 'sms 1 [webhook] consent,webhook 2 [] failed', 'webhook 2'],
      ['fired', 'sms cap,email suppressed', 'webhook 1 [] failed', 'webhook 1'],
      ['fired', 'sms cap,email suppressed', 'webhook 1 [] channel-disabled', null],
      ['suppressed unreachable', 'sms unreachable', '', null],
      ['fired', '', 'sms 1 [] delivered', null],
      ['suppressed cap', 'sms cap', '', null],
      ['suppressed suppressed', 'email suppressed', '', null],
    ],
  );
});

/** Several sends and rules at once, out of step with their deliveries. */
const tangled = fc.record({
  rules: fc
    .tuple(
      rules,
      fc.array(fc.tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom('arrival', 'event-time'), fc.boolean()), {
        minLength: RULES,
        maxLength: RULES,
      }),
      fc.nat({ max: RULES - 1 }),
    )
    .map(([made, how, events]) =>
      made.map((one, i): WrittenRule => {
        const [sends, order, isShort] = how[i]!;
        const event = `e${i % (events + 1)}`;
        return { ...one, event, sends, order: order as WrittenRule['order'], validFor: isShort ? '2m' : null };
      }),
    ),
  caps,
  isHeld: fc.boolean(),
  steps: fc.array(
    fc.record({
      user: fc.constantFrom(...USERS),
      told,
      gapMs: fc.constantFrom(0, 1, 900, 30_000, 10 * MINUTE),
      answers: fc.nat({ max: 3 }),
      turns: fc.nat({ max: 3 }),
      act,
    }),
    { minLength: 1, maxLength: 20, size: 'max' },
  ),
});

holds(
  'in any interleaving no cap is exceeded, nobody is sent to after a no, and each route is walked in order to its end (I2, I4, I7)',
  40,
  tangled,
  async ({ rules, caps, isHeld, steps }) => {
    const run = await RouteRun.open({ rules, caps, isHeld });
    for (const user of USERS) await run.tell(user, REACHABLE);
    for (const { user, told, gapMs, answers, turns, act } of steps) {
      await run.clock.advance(gapMs);
      await happen(run, act);
      await run.tell(user, told);
      for (let turn = 0; turn < turns; turn++) {
        await run.driver.poll();
        await run.breathe();
      }
      run.answer(answers);
    }
    for (let round = 0; round < 3; round++) {
      await run.settle();
      await run.driver.advanceWallClock(20 * SECOND);
    }
    await run.settle();
    const { decisions, actions, deliveries, letters } = await run.outputs();
    actions.sort((a, b) => a.attempt - b.attempt);
    assert.deepEqual(
      run.begun.filter(({ isUnwanted }) => isUnwanted).map(({ action }) => action.id),
      [],
      'nobody is sent to after a no (I7)',
    );
    assertCaps(actions, caps);
    assertIds(
      actions,
      run.begun.map(({ action }) => action.id),
    );
    const routes = Map.groupBy(actions, ({ decision, step }) => `${decision} ${step}`);
    for (const decision of decisions) assertDecision(decision, rules, routes);
    const left = letters.map(({ value }) => actionCodec.decode(value!));
    for (const route of routes.values()) assertRoute(route, rules, deliveries, left);
    assert.deepEqual(new Set(left.map(({ decision, step }) => `${decision} ${step}`)).size, left.length);
    await run.close();
  },
);

function assertCaps(actions: readonly Action[], caps: readonly MessageCap[]): void {
  for (const { max, perMs, channel: name, category: about } of caps) {
    for (const user of USERS) {
      const times = actions
        .filter(({ entity, channel, category }) => {
          return entity.id === user && (name === 'any' || channel === name) && (about ?? category) === category;
        })
        .map(({ at }) => at);
      for (const end of times) {
        const within = times.filter((at) => at > end - perMs && at <= end);
        assert.ok(within.length <= max, `${within.length} messages within a cap of ${max} (I4)`);
      }
    }
  }
}

function assertIds(actions: readonly Action[], begun: readonly string[]): void {
  const ids = new Set(actions.map(({ id }) => id));
  assert.equal(ids.size, actions.length, 'each message has an id of its own');
  assert.deepEqual(
    begun.filter((id) => !ids.has(id)),
    [],
  );
}

function assertDecision(
  { id, rule, outcome, reason, passedOver }: Decision,
  rules: readonly WrittenRule[],
  routes: ReadonlyMap<string, readonly Action[]>,
): void {
  const { sends, route, urgency } = rules.find((one) => one.id === rule)!;
  const ways = Array.from({ length: sends }, (_, step) => routes.get(`${id} ${step}`) ?? []);
  if (outcome !== 'fired') {
    assert.ok(reason !== null, 'what did not fire says why');
    assert.deepEqual(ways.flat(), []);
    return;
  }
  assert.ok(ways.flat().length > 0, 'what fired sends something');
  for (const [step, way] of ways.entries()) {
    const refused = passedOver.filter((one) => one.step === step).map(({ channel }) => channel);
    const possible = route ?? (urgency === 'marketing' ? ['inapp', 'push', 'email'] : AUTO_CHANNELS[urgency]);
    const [first] = way;
    const taken = first === undefined ? [] : [first.channel, ...first.fallback];
    // All channels of the route are accounted for; of auto, those of somebody who is there lack push.
    const missing = possible.filter((name) => !taken.includes(name) && !refused.includes(name));
    assert.deepEqual(
      route === null && urgency !== 'critical' ? missing.filter((name) => name !== 'push') : missing,
      [],
    );
    if (route !== null)
      assert.deepEqual(
        taken,
        route.filter((name) => taken.includes(name)),
      );
  }
}

/** The messages of one send, in order. */
function assertRoute(
  route: readonly Action[],
  rules: readonly WrittenRule[],
  deliveries: readonly Delivery[],
  letters: readonly Action[],
): void {
  assert.deepEqual(
    route.map(({ attempt }) => attempt),
    route.map((_, i) => i + 1),
  );
  const told = route.map(({ id }) => {
    const own = deliveries.filter(({ action }) => action === id);
    assert.equal(own.length, 1, 'each message comes to one end');
    return own[0]!;
  });
  for (const [i, { channel: name, fallback, rule }] of route.entries()) {
    assert.ok(rules.some(({ id }) => id === rule));
    const before = route[i - 1];
    if (before !== undefined) {
      const taken = [name, ...fallback];
      assert.deepEqual(
        taken,
        before.fallback.filter((other) => taken.includes(other)),
        'in the order of the route',
      );
      const { outcome, reason } = told[i - 1]!;
      assert.ok(outcome === 'failed' || GOES_ON.has(reason!), 'only what failed or was skipped goes on');
    }
  }
  const { outcome, reason } = told.at(-1)!;
  const hasFailed = told.some((one) => one.outcome === 'failed');
  const leaves = hasFailed && (outcome === 'failed' || GOES_ON.has(reason ?? ''));
  const { decision, step } = route[0]!;
  const left = letters.filter((one) => one.decision === decision && one.step === step);
  assert.equal(
    left.length,
    leaves ? 1 : 0,
    'a route that is used up after a failure leaves a dead letter, and no other',
  );
  const failed = told.findLast((one) => one.outcome === 'failed');
  if (left.length === 1) assert.equal(left[0]!.id, failed!.action);
}
