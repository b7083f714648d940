// What the killed engine works on: rules, events in the order in which they are produced, and the job.

import { seededRng } from '../../lib/rng.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';
import { rulesOf } from '../oracle/engine.ts';
import type { OracleEvent } from '../oracle/oracle.ts';

export const APPLICATION = 'killed';
export const TOPIC = 'events.shop';
export const PARTITIONS = 2;
export const OUT_OF_ORDERNESS_MS = 5_000;
export const START = Date.UTC(2026, 0, 1);
const EVENTS = 6_000;
const USERS = 60;
/** Mean time between events: most users have several deadlines pending at any time. */
const GAP_MS = 1_500;

export const RULES = `
{ id: left, when: { absence: { after: { event: add, as: cart }, of: { event: buy, where: event.properties.cart == cart.properties.cart }, within: 5m, by: event.properties.cart } }, then: [{ send: { channel: webhook } }] }
---
{ id: quiet, when: { inactive: { for: 4m } }, cooldown: 10m, then: [{ send: { channel: webhook } }] }
---
{ id: keen, when: { count: { event: view, atLeast: 3, within: 3m } }, limit: [{ max: 2, per: 20m }], then: [{ send: { channel: webhook } }] }
---
{ id: bought, when: { event: buy }, if: event.properties.value >= 2.0, then: [{ send: { channel: webhook } }] }
`;

/** In the order of production: each at most OUT_OF_ORDERNESS_MS behind the newest before it. */
export function producedEvents(): OracleEvent[] {
  const rng = seededRng(11);
  const below = (bound: number): number => Math.floor(rng.next() * bound);
  const arrivals: { event: OracleEvent; arrival: number }[] = [];
  let time = START;
  for (let i = 0; i < EVENTS; i++) {
    // At least 1 ms apart, so that the order of decisions is never open (test/property/generators.ts).
    time += 1 + below(2 * GAP_MS);
    const event = {
      messageId: `m${i}`,
      userId: `u${below(USERS)}`,
      event: ['add', 'buy', 'view', 'view'][below(4)]!,
      time,
      properties: { cart: `c${below(3)}`, value: below(5) },
    };
    arrivals.push({ event, arrival: time + below(OUT_OF_ORDERNESS_MS) });
  }
  return arrivals.sort((a, b) => a.arrival - b.arrival).map(({ event }) => event);
}

/** The newest event time up to each event: the wall time at which it is produced. */
export function wallTimes(events: readonly OracleEvent[]): number[] {
  let newest = START;
  return events.map(({ time }) => (newest = Math.max(newest, time)));
}

/** Wall time when all is over: an hour after the last event. */
export function lastWall(events: readonly OracleEvent[]): number {
  return wallTimes(events).at(-1)! + 3_600_000;
}

export function topology() {
  const ruleSet = rulesOf(RULES, OUT_OF_ORDERNESS_MS);
  const options: JobOptions = {
    application: APPLICATION,
    prefix: 'tripline',
    sources: [{ topic: TOPIC, format: 'segment', keyed: true, entity: 'user' }],
    rules: () => ruleSet,
    channels: ['webhook'],
    // A batch is written while the clock stands at its first event.
    maxClockSkewMs: 3_600_000,
    dedupeWindowMs: 86_400_000,
    dedupeMax: 1_000,
    recordBytesMax: 10_000,
    useRecordTime: true,
    cacheBytes: 1_000_000,
  };
  return triplineTopology(options);
}
