// I4: cooldowns, limits, caps and exclusive groups are never exceeded, whatever order events come in and however often
// documents are written away and read back; and nothing that would fit is refused while order is kept.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { checkRules } from '../../rules/index.ts';
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
  readonly channel: string | null;
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
    channel: fc.constantFrom('webhook', 'slack', null),
    exclusive: fc.constantFrom('x', null),
    cooldownH: fc.option(fc.integer({ min: 1, max: 5 })),
    limit: fc.option(fc.record({ max: fc.integer({ min: 1, max: 3 }), perH: fc.integer({ min: 1, max: 8 }) })),
  });

const cap: fc.Arbitrary<Cap> = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  per: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom('day' as const, 'week' as const)),
  channel: fc.constantFrom('any', 'webhook', 'slack'),
  category: fc.constantFrom('news', 'offers', null),
});

const step = fc.record({
  event: fc.constantFrom('a', 'b'),
  user: fc.constantFrom('u1', 'u2'),
  /** In quarters of an hour, so that windows end exactly on other events. */
  at: fc.integer({ min: 0, max: 4 * 48 }).map((quarters) => START + quarters * 15 * MINUTE),
});

const plan = fc.record({
  rules: fc.tuple(rule(0), rule(1), rule(2)),
  caps: fc.array(cap, { maxLength: 3 }),
  steps: fc.array(step, { maxLength: 40 }),
  inOrder: fc.boolean(),
});
type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never;

function yamlOf({ id, event, priority, order, category, channel, exclusive, cooldownH, limit }: Bounds): string {
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
    ...(channel !== null && { then: [{ send: { channel, ...(channel === 'slack' && { template: 't' }) } }] }),
  });
}

async function decide({ rules, caps, steps, inOrder }: Plan): Promise<Decision[]> {
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
  const replay = await Replay.open({
    rules: checked.ruleSet,
    source: { format: 'segment', entity: 'user' },
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
  return decisions;
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

/** What of these fired decisions is more than some bound allows; null: nothing is. */
function excess(fired: readonly Decision[], { rules, caps }: Plan): string | null {
  const boundsOf = (decision: Decision): Bounds => rules.find(({ id }) => id === decision.rule)!;
  const tooMany = (times: readonly number[], max: number, perMs: number): boolean =>
    times.some((end) => times.filter((at) => at > end - perMs && at <= end).length > max);
  for (const user of ['u1', 'u2']) {
    const own = fired.filter(({ entity }) => entity.id === user);
    for (const { id, cooldownH, limit } of rules) {
      const times = own.filter((one) => one.rule === id).map(({ at }) => at);
      if (cooldownH !== null && tooMany(times, 1, cooldownH * HOUR)) return `${id} within its cooldown`;
      if (limit !== null && tooMany(times, limit.max, limit.perH * HOUR)) return `${id} over its limit`;
    }
    const exclusive = own.filter((one) => boundsOf(one).exclusive !== null).map(({ at }) => at);
    if (new Set(exclusive).size < exclusive.length) return 'two of a group at one time';
    for (const one of caps) {
      const counted = own.filter((decision) => {
        const { category, channel } = boundsOf(decision);
        return (one.category ?? category) === category && (one.channel === 'any' || one.channel === channel);
      });
      const times = counted.map(({ at }) => at);
      const { per, max } = one;
      if (typeof per === 'number') {
        if (tooMany(times, max, per * HOUR)) return `over ${JSON.stringify(one)}`;
      } else {
        const places = times.map((at) => calendarOf(at, per));
        if (places.some((place) => places.filter((other) => other === place).length > max))
          return `over ${JSON.stringify(one)}`;
      }
    }
  }
  return null;
}

holds(
  'no cooldown, limit, cap or exclusive group is exceeded, in whatever order events come (I4)',
  200,
  plan,
  async (plan) => {
    const fired = (await decide(plan)).filter(({ outcome }) => outcome === 'fired');
    assert.equal(excess(fired, plan), null);
  },
);

holds(
  'of events in order, each candidate that is refused would have exceeded something (I2)',
  200,
  plan.map((one) => ({
    ...one,
    inOrder: true,
    rules: one.rules.map((rule) => ({ ...rule, order: 'arrival' })) as Plan['rules'],
  })),
  async (plan) => {
    const fired: Decision[] = [];
    for (const decision of await decide(plan)) {
      const would = excess([...fired, decision], plan);
      assert.equal(decision.outcome === 'fired', would === null, `${decision.reason}: ${would}`);
      if (decision.outcome === 'fired') fired.push(decision);
    }
  },
);
