// The sample shop (examples/shop) through the engine and through the oracle: every pattern, with `where`, `by`, gates.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { readEvents } from '../../connectors/sources/files/index.ts';
import { seededRng } from '../../lib/rng.ts';
import { decideByEngine } from '../oracle/engine.ts';
import { decide, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';
import { laneOf } from '../oracle/rule.ts';
import { rulesText } from '../property/generators.ts';

const SHOP = fileURLToPath(new URL('../../examples/shop/', import.meta.url));
const DAY = 86_400_000;

const RULES = `
{ id: bought, when: { event: purchase, where: 'event.properties.platform != "tablet"' }, cooldown: 2d, limit: [{ max: 2, per: 30d }] }
---
{ id: paid, order: event-time, when: { event: [checkout, purchase], as: deal }, if: 'deal.properties.acquisition_channel == "paid_search"', cooldown: { for: 1d, key: event.event } }
---
{ id: cart, when: { absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h } }, cooldown: 7d }
---
id: same-session
when:
  absence:
    after: { event: add_to_cart, where: 'event.properties.user_cohort != "2024-02"', as: cart }
    of: { event: [checkout, purchase], where: event.properties.session_id == cart.properties.session_id }
    within: 30m
    restart: first
    by: event.properties.session_id
limit: [{ max: 3, per: 7d }, { max: 1, per: 1d }]
---
{ id: every-cart, when: { absence: { after: { event: add_to_cart }, of: [{ event: checkout }, { event: purchase }], within: 6h, restart: each } }, limit: [{ max: 4, per: 14d }] }
---
{ id: gone, when: { inactive: { for: 14d } }, cooldown: 30d }
---
{ id: no-search, when: { inactive: { for: 3d, event: search, by: event.properties.platform } }, limit: [{ max: 2, per: 30d }] }
---
{ id: looking, when: { count: { event: product_view, atLeast: 3, within: 30m, where: 'event.properties.user_lifecycle == "new"' } }, cooldown: 1d }
---
{ id: session-views, order: event-time, when: { count: { event: "*", atLeast: 4, within: 1h, by: event.properties.session_id } }, if: 'event.properties.platform == "mobile"', limit: [{ max: 2, per: 7d }] }
---
{ id: off, enabled: false, when: { event: purchase } }
`;

async function shopEvents(): Promise<OracleEvent[]> {
  const events: OracleEvent[] = [];
  for await (const entries of readEvents(`${SHOP}events.csv.gz`, { mapping: `${SHOP}map.yaml` })) {
    for (const { json, error } of entries) {
      assert.equal(error, undefined);
      const { timestamp, ...rest } = json as unknown as Omit<OracleEvent, 'time'> & { timestamp: string };
      events.push({ ...rest, time: Date.parse(timestamp) });
    }
  }
  return events;
}

async function compare(
  events: readonly OracleEvent[],
  outOfOrdernessMs: number,
  wanted: (rule: OracleRule) => boolean = () => true,
) {
  const rules = parseAllDocuments(RULES)
    .map((document): OracleRule => document.toJS())
    .filter(wanted);
  const endOfTime = events.reduce((newest, { time }) => Math.max(newest, time), 0) + 60 * DAY;
  const options = { events, endOfTime, outOfOrdernessMs, dedupeWindowMs: DAY, dedupeMax: 1_000 };
  const expected = decide({ ...options, rules });
  const answer = await decideByEngine(rulesText(rules), options);
  assert.deepEqual(answer.decisions, expected.decisions);
  assert.deepEqual(answer.late, expected.late);
  assert.equal(answer.duplicates, expected.duplicates.length);
  return expected;
}

test('on the sample shop in order of time, the engine decides as the oracle does, by every pattern', async () => {
  const events = (await shopEvents()).sort((a, b) => a.time - b.time);
  const { decisions, late } = await compare(events, 5_000);
  assert.deepEqual(late, []);
  const tallies = Map.groupBy(decisions, ({ rule, reason }) => `${rule} ${reason ?? 'fired'}`);
  for (const rule of ['bought', 'paid', 'cart', 'same-session', 'every-cart', 'gone', 'no-search', 'looking']) {
    assert.ok((tallies.get(`${rule} fired`)?.length ?? 0) > 20, `${rule} hardly ever fired`);
  }
  for (const refusal of [
    'bought cooldown',
    'paid condition',
    'same-session limit',
    'session-views limit',
    'off disabled',
  ]) {
    assert.ok((tallies.get(refusal)?.length ?? 0) > 0, `${refusal} never came up`);
  }
});

test('on the sample shop with a tenth of it up to four days late, event-time rules decide as the oracle does', async () => {
  const rng = seededRng(7);
  const arrivals = (await shopEvents()).map((event) => {
    const delay = rng.next() < 0.1 ? rng.next() * 4 * DAY : 0;
    return { event, arrival: event.time + Math.floor(delay) };
  });
  const events = arrivals.sort((a, b) => a.arrival - b.arrival).map(({ event }) => event);
  const { late } = await compare(events, 3_600_000, (rule) => laneOf(rule) === 'event-time');
  assert.ok(late.length > 100);
});
