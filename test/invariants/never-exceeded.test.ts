// I4: cooldowns, limits, caps and exclusive groups are never exceeded, whatever order events come in and however often
// documents are written away and read back; and nothing that would fit is refused while order is kept. What fired, and
// nothing else, is sent, by every channel of its rule.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { checkRules } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { Replay } from '../../topology/replay.ts';
import { holds } from './property.ts';

const START = Date.UTC(2026, 2, 28, 20);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ZONE = 'Europe/Berlin';

interface Bounds {
  readonly id: string;
  readonly event: string;
  readonly priority: number;
  readonly order: 'arrival' | 'event-time';
  readonly category: string | null;
  readonly channels: readonly string[];
  readonly exclusive: string | null;
  readonly cooldownH: number | null;
  readonly limit: { readonly max: number; readonly perH: number } | null;
}

interface Cap {
  readonly max: number;
  readonly per: number | 'day' | 'week';
  readonly channel: string;
  readonly category: string | null;
}

const rule = (index: number): fc.Arbitrary<Bounds> =>
  fc.record({
    id: fc.constant(`r${index}`),
    event: fc.constantFrom('a', 'b'),
    priority: fc.constantFrom(10, 50, 90),
    order: fc.constantFrom('arrival', 'event-time'),
    category: fc.constantFrom('news', 'offers', null),
    channels: fc.subarray(['email', 'webhook', 'slack'], { maxLength: 2 }),
    exclusive: fc.constantFrom('x', null),
    cooldownH: fc.option(fc.integer({ min: 1, max: 5 })),
    limit: fc.option(fc.record({ max: fc.integer({ min: 1, max: 3 }), perH: fc.integer({ min: 1, max: 8 }) })),
  });

const cap: fc.Arbitrary<Cap> = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  per: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom('day' as const, 'week' as const)),
  channel: fc.constantFrom('any', 'webhook', 'slack', 'email'),
  category: fc.constantFrom('news', 'offers', null),
});

const step = fc.record({
  event: fc.constantFrom('a', 'b'),
  user: fc.constantFrom('u1', 'u2'),
  /** In quarters of an hour, so that windows end exactly on other events; most of them close together, so that bounds are met. */
  at: fc
    .oneof(
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 4 * 6 }) },
      { arbitrary: fc.integer({ min: 0, max: 4 * 48 }), weight: 1 },
    )
    .map((quarters) => START + quarters * 15 * MINUTE),
});

const plan = fc.record({
  rules: fc.tuple(rule(0), rule(1), rule(2)),
  caps: fc.array(cap, { maxLength: 3 }),
  steps: fc.array(step, { maxLength: 40 }),
  inOrder: fc.boolean(),
});
type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never;

function yamlOf({ id, event, priority, order, category, channels, exclusive, cooldownH, limit }: Bounds): string {
  const sends = channels.map((channel) => ({ send: { channel, ...(channel !== 'webhook' && { template: 't' }) } }));
  return JSON.stringify({
    id,
    when: { event },
    priority,
    order,
    ...(category !== null && { category }),
    ...(exclusive !== null && { exclusive }),
    ...(cooldownH !== null && { cooldown: `${cooldownH}h` }),
    ...(limit !== null && { limit: [{ max: limit.max, per: `${limit.perH}h` }] }),
    // biome-ignore lint/suspicious/noThenProperty: the language's word; a rule is never awaited.
    ...(sends.length > 0 && { then: sends }),
  });
}

interface Decided {
  readonly decisions: readonly Decision[];
  readonly actions: readonly Action[];
}

async function decide({ rules, caps, steps, inOrder }: Plan): Promise<Decided> {
  const text = caps.map(({ max, per, channel, category }) => {
    const window = typeof per === 'number' ? `${per}h` : per;
    return { max, per: window, channel, timezone: ZONE, ...(category !== null && { category }) };
  });
  const checked = checkRules([{ file: 'rules.yaml', text: rules.map(yamlOf).join('\n---\n') }], {
    outOfOrdernessMs: 100 * HOUR,
    entities: [],
    channels: channelTraits({}),
    context: { caps: [{ file: 'caps.yaml', text: JSON.stringify(text) }] },
  });
  assert.deepEqual(checked.errors.map(formatProblem), []);
  const decisions: Decision[] = [];
  const actions: Action[] = [];
  const replay = await Replay.open({
    rules: checked.ruleSet,
    inputs: [{ format: 'segment', entity: 'user' }],
    store: new MemoryStore(),
    outOfOrdernessMs: inOrder ? 0 : 100 * HOUR,
    dedupeWindowMs: HOUR,
    dedupeMax: 1_000,
    recordBytesMax: 10_000,
    maxClockSkewMs: 0,
    wall: START + 10_000 * HOUR,
    // Every document is written away and read back after each event.
    cacheBytes: 1,
    outputs: {
      decisions: (decision) => decisions.push(decision),
      actions: (action) => actions.push(action),
      late: ({ messageId }) => assert.fail(`${messageId} is late`),
      'dead-letter': ({ message }) => assert.fail(message),
    },
  });
  const ordered = inOrder ? [...steps].sort((a, b) => a.at - b.at) : steps;
  for (const [offset, { event, user, at }] of ordered.entries()) {
    const message = { type: 'track', messageId: `m${offset}`, userId: user, event, timestamp: at };
    const record: LogRecord = {
      offset,
      timestamp: at,
      key: null,
      value: Buffer.from(JSON.stringify(message)),
      headers: [],
    };
    await replay.feed([record]);
  }
  await replay.complete(START + 1_000 * HOUR);
  replay.close();
  return { decisions, actions };
}

/** A message, as far as caps look at it. */
interface Sent {
  readonly user: string;
  readonly at: number;
  readonly category: string | null;
  readonly channel: string;
}

/**
 * Each candidate leaves one decision (I2), and each decision that fired the sends of its rule but for those that it says it
 * passed over; nothing else is sent.
 */
function assertComplete({ decisions, actions }: Decided, { rules, steps, inOrder }: Plan): void {
  const ordered = inOrder ? [...steps].sort((a, b) => a.at - b.at) : steps;
  const candidates = ordered.flatMap(({ event, user, at }, offset) =>
    rules.filter((rule) => rule.event === event).map(({ id }) => `${id} ${user}@${at} m${offset}`),
  );
  const placeOf = ({ rule, entity, at }: Decision | Action): string => `${rule} ${entity.id}@${at}`;
  const decided = decisions.map((decision) => `${placeOf(decision)} ${decision.events}`);
  assert.deepEqual(decided.sort(), candidates.sort());
  const fired = decisions.filter(({ outcome }) => outcome === 'fired');
  const wanted = fired.flatMap((decision) => {
    const { channels } = rules.find(({ id }) => id === decision.rule)!;
    const passedOver = new Set(decision.passedOver.map(({ channel }) => channel));
    const sent = channels.filter((channel) => !passedOver.has(channel));
    assert.ok(channels.length === 0 || sent.length > 0, 'a decision that fired sends something');
    return sent.map((channel) => `${placeOf(decision)} ${channel} of ${decision.id}`);
  });
  assert.deepEqual(
    actions.map((action) => `${placeOf(action)} ${action.channel} of ${action.decision}`),
    wanted,
  );
}

/** The local calendar day as Intl writes it; for a week, that of its Monday. */
const format = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE });
function calendarOf(at: number, unit: 'day' | 'week'): string {
  const day = format.format(at);
  if (unit === 'day') return day;
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}

function tooMany(times: readonly number[], max: number, perMs: number): boolean {
  return times.some((end) => times.filter((at) => at > end - perMs && at <= end).length > max);
}

/** The first gate, caps apart, whose bound these fired decisions exceed, in the order in which gates are asked; null: none. */
function excess(fired: readonly Decision[], { rules }: Plan): string | null {
  const boundsOf = (decision: Decision): Bounds => rules.find(({ id }) => id === decision.rule)!;
  const found = new Set<string>();
  for (const user of ['u1', 'u2']) {
    const own = fired.filter(({ entity }) => entity.id === user);
    for (const { id, cooldownH, limit } of rules) {
      const times = own.filter((one) => one.rule === id).map(({ at }) => at);
      if (cooldownH !== null && tooMany(times, 1, cooldownH * HOUR)) found.add('cooldown');
      if (limit !== null && tooMany(times, limit.max, limit.perH * HOUR)) found.add('limit');
    }
    const exclusive = own.filter((one) => boundsOf(one).exclusive !== null).map(({ at }) => at);
    if (new Set(exclusive).size < exclusive.length) found.add('exclusive');
  }
  return ['cooldown', 'exclusive', 'limit'].find((gate) => found.has(gate)) ?? null;
}

/** Whether these messages exceed a cap. */
function exceedsCap(sent: readonly Sent[], { caps }: Plan): boolean {
  return ['u1', 'u2'].some((user) =>
    caps.some(({ per, max, channel, category }) => {
      const times = sent
        .filter((one) => one.user === user && (category ?? one.category) === one.category)
        .filter((one) => channel === 'any' || one.channel === channel)
        .map(({ at }) => at);
      if (typeof per === 'number') return tooMany(times, max, per * HOUR);
      const places = times.map((at) => calendarOf(at, per));
      return places.some((place) => places.filter((other) => other === place).length > max);
    }),
  );
}

function sentBy({ entity, at, category, channel }: Action): Sent {
  return { user: entity.id, at, category, channel };
}

/** How often each gate refused, over all runs. */
const refusals = new Map<string, number>();

holds(
  'no cooldown, limit, cap or exclusive group is exceeded, in whatever order events come (I4)',
  200,
  plan,
  async (plan) => {
    const decided = await decide(plan);
    assertComplete(decided, plan);
    const fired = decided.decisions.filter(({ outcome }) => outcome === 'fired');
    assert.equal(excess(fired, plan), null);
    assert.equal(exceedsCap(decided.actions.map(sentBy), plan), false);
  },
);

holds(
  'of events in order, each candidate that is refused would have exceeded what its reason says, before anything else (I2)',
  200,
  plan.map((one) => ({
    ...one,
    inOrder: true,
    rules: one.rules.map((rule) => ({ ...rule, order: 'arrival' })) as Plan['rules'],
  })),
  async (plan) => {
    const fired: Decision[] = [];
    const sent: Sent[] = [];
    const decided = await decide(plan);
    assertComplete(decided, plan);
    for (const decision of decided.decisions) {
      const { outcome, reason, entity, at } = decision;
      const { channels, category } = plan.rules.find(({ id }) => id === decision.rule)!;
      let wanted = excess([...fired, decision], plan);
      // The sends of a decision are held against the caps one after the other.
      const passedOver: string[] = [];
      for (const channel of wanted === null ? channels : []) {
        const message = { user: entity.id, at, category, channel };
        if (exceedsCap([...sent, message], plan)) passedOver.push(channel);
        else sent.push(message);
      }
      if (wanted === null && channels.length > 0 && passedOver.length === channels.length) wanted = 'cap';
      assert.equal(reason, wanted, JSON.stringify(decision));
      assert.deepEqual(
        decision.passedOver.map((one) => [one.channel, one.reason]),
        passedOver.map((channel) => [channel, 'cap']),
      );
      assert.equal(outcome, reason === null ? 'fired' : 'suppressed');
      if (reason === null) fired.push(decision);
      else refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    }
  },
);

it('every bound has refused something in these runs', () => {
  const never = ['cooldown', 'exclusive', 'limit', 'cap'].filter((gate) => !refusals.has(gate));
  assert.deepEqual(never, []);
});
