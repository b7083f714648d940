// Random events and rules for property tests, in the shapes that hurt: ties, deadlines met to the millisecond, bursts,
// repeats, disorder within bounds and beyond.
//
// Owns: the arbitraries. Does not own: what must come out (test/oracle/), the engine's drivers (the tests).
//
// Invariants:
//   G1. Rules are plain objects that YAML can hold, valid in the rule language, and within what the oracle models.
//   G2. Times and durations are mostly multiples of one unit, so that windows and deadlines are often met exactly.
//   G3. shuffledWithin keeps the order of equal times of one entity, and shows no event after one that is more than
//       `outOfOrdernessMs` younger.
//   G4. Arbitraries shrink to fewer events, shorter gaps and plainer rules.

import fc from 'fast-check';
import { stringify } from 'yaml';
import { valueText } from '../oracle/match.ts';
import type { OracleEvent, OracleRule } from '../oracle/oracle.ts';
import { byOf, hasDeadline } from '../oracle/rule.ts';
import { ruleBody } from './rule-bodies.ts';

/** 2026-01-01T00:00:00Z. */
export const START = Date.UTC(2026, 0, 1);
export const UNIT_MS = 10_000;
export const NAMES = ['add', 'buy', 'view', 'login'] as const;

export interface StreamOptions {
  /** Default 40. */
  readonly eventsMax?: number;
  /** Default 3. */
  readonly usersMax?: number;
  /** Whether some events come twice, with the same messageId and content. Default true. */
  readonly repeats?: boolean;
  /** Whether identify messages tell `plan` and `ends`, and events have a time in `ends`. Default false. */
  readonly dates?: boolean;
}

const gap = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }).map((units) => units * UNIT_MS) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 999 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5, max: 40 }).map((units) => units * UNIT_MS) },
);

/** What identify messages tell: `ends` is seconds from the event, or a text that is no time. */
const told = fc.record(
  {
    plan: fc.constantFrom('free', 'pro', null),
    ends: fc.oneof(
      fc.integer({ min: -3, max: 12 }).map((units) => units * 10),
      fc.constantFrom(null, 'soon'),
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const tells = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: told });

const step = (usersMax: number) =>
  fc.record({
    user: fc.integer({ min: 1, max: usersMax }),
    name: fc.constantFrom(...NAMES),
    gap,
    /** A burst: this many more of the same, at the same time. */
    burst: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) }),
    repeated: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    properties: fc.record(
      { cart: fc.constantFrom('c1', 'c2'), value: fc.integer({ min: 0, max: 4 }), tag: fc.constantFrom('x', 'y') },
      { requiredKeys: ['cart'], noNullPrototype: true },
    ),
  });

/** Events in order of time. `cart` is always there, `value` and `tag` are sometimes missing. */
export function orderedEvents(options: StreamOptions = {}): fc.Arbitrary<OracleEvent[]> {
  if (options.dates === true) return withDates(orderedEvents({ ...options, dates: false }));
  const { eventsMax = 40, usersMax = 3, repeats = true } = options;
  return fc.array(step(usersMax), { maxLength: eventsMax, size: 'max' }).map((steps) => {
    const events: OracleEvent[] = [];
    let time = START;
    for (const { user, name, gap, burst, repeated, properties } of steps) {
      time += gap;
      for (let i = 0; i <= burst && events.length < eventsMax; i++) {
        const event = { messageId: `m${events.length}`, userId: `u${user}`, event: name, time, properties };
        events.push(event);
        if (repeats && repeated) events.push(event);
      }
    }
    return events;
  });
}

/** Some of the events become identify messages, or have a time in `ends`; repeats stay equal. */
function withDates(events: fc.Arbitrary<OracleEvent[]>): fc.Arbitrary<OracleEvent[]> {
  return events
    .chain((list) => fc.tuple(fc.constant(list), fc.array(tells, { minLength: list.length, maxLength: list.length })))
    .map(([list, tellings]) => {
      const made = new Map<string, OracleEvent>();
      return list.map((event, place) => {
        const known = made.get(event.messageId) ?? dated(event, tellings[place]!, place % 3 === 0);
        made.set(event.messageId, known);
        return known;
      });
    });
}

function dated(
  event: OracleEvent,
  telling: { plan?: string | null; ends?: number | string | null } | null,
  isIdentify: boolean,
) {
  if (telling === null) return event;
  const { ends } = telling;
  const time = typeof ends === 'number' ? new Date(event.time + ends * 1_000).toISOString() : ends;
  const values = ends === undefined ? {} : { ends: time ?? null };
  if (!isIdentify) return { ...event, properties: { ...event.properties, ...values } };
  const plan = telling.plan === undefined ? {} : { plan: telling.plan };
  return { ...event, event: 'identify', type: 'identify', traits: { ...plan, ...values } };
}

/** The events in another order that a log could have brought them in (G3). `events` are in order of time. */
export function shuffledWithin(events: readonly OracleEvent[], outOfOrdernessMs: number): fc.Arbitrary<OracleEvent[]> {
  const delay = fc.oneof(fc.constantFrom(0, outOfOrdernessMs), fc.integer({ min: 0, max: outOfOrdernessMs }));
  return delays(events, delay).map((delaysMs) => delayed(events, delaysMs));
}

/** An order in which some events come far too late, with no promise about equal times. */
export function shuffledBeyond(events: readonly OracleEvent[], outOfOrdernessMs: number): fc.Arbitrary<OracleEvent[]> {
  const delay = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: outOfOrdernessMs }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((units) => units * UNIT_MS) },
  );
  return delays(events, delay).map((delaysMs) => byArrival(events, delaysMs));
}

function delays(events: readonly OracleEvent[], delay: fc.Arbitrary<number>): fc.Arbitrary<number[]> {
  return fc.array(delay, { minLength: events.length, maxLength: events.length });
}

function byArrival(events: readonly OracleEvent[], delaysMs: readonly number[]): OracleEvent[] {
  return events
    .map((event, place) => ({ event, arrival: event.time + delaysMs[place]! }))
    .sort((a, b) => a.arrival - b.arrival)
    .map(({ event }) => event);
}

function delayed(events: readonly OracleEvent[], delaysMs: readonly number[]): OracleEvent[] {
  const tie = (event: OracleEvent): string => `${event.userId} ${event.time}`;
  const waiting = Map.groupBy(events, tie);
  // Events of a tie swap places among themselves only: each keeps its time, so the bound of G3 holds as before.
  return byArrival(events, delaysMs).map((event) => waiting.get(tie(event))!.shift()!);
}

export interface RuleOptions {
  /** Patterns to choose from; default all. */
  readonly patterns?: readonly Pattern[];
  /** `default`: none written; `any`: some rules say `order`, deadline patterns only `event-time`. Default `any`. */
  readonly order?: 'default' | 'any' | 'event-time';
}

export const PATTERNS = ['event', 'absence', 'inactive', 'count'] as const;
/** `distinct`: count with distinct or atMost. */
export const FIGURE_PATTERNS = [
  ...['distinct', 'aggregate', 'threshold', 'baseline', 'change', 'at', 'session', 'all', 'any'],
] as const;
export type Pattern = string;

/** One rule (G1). */
export function rule(id: string, options: RuleOptions = {}): fc.Arbitrary<OracleRule> {
  const { patterns = PATTERNS, order = 'any' } = options;
  return fc.constantFrom(...patterns).chain((pattern) =>
    fc.tuple(ruleBody(pattern), orderOf(pattern, order)).map(([body, written]) => {
      return { id, ...(written === null ? {} : { order: written }), ...body } as OracleRule;
    }),
  );
}

function orderOf(pattern: Pattern, order: 'default' | 'any' | 'event-time'): fc.Arbitrary<string | null> {
  if (order === 'event-time') return fc.constant(order);
  if (order === 'default') return fc.constant(null);
  return fc.constantFrom(null, 'event-time', IN_EITHER_LANE.includes(pattern) ? 'arrival' : null);
}

/** What the oracle models in arrival order too, over events out of order. */
const IN_EITHER_LANE: readonly Pattern[] = ['event', 'count', 'aggregate', 'change', 'sequence'];

/** One to `max` rules with ids r0, r1, … */
export function rules(max = 4, options: RuleOptions = {}): fc.Arbitrary<OracleRule[]> {
  return fc
    .integer({ min: 1, max })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => rule(`r${index}`, options))));
}

/**
 * The events without those that would leave the order of decisions open. Deadlines of one rule at one time, for several
 * values of `by`, come in the order in which their clocks began. Where such clocks begin within one millisecond and one
 * of them begins over again in it, engine and oracle differ on which began last, and rules.md does not say; so of an
 * entity's events of one time and value only the first stays, also of repeats, which a small `dedupeMax` may let
 * through. With `restart: each`, where a value has several clocks at once, only the first of one time stays.
 */
export function withoutOpenTies(rules: readonly OracleRule[], events: readonly OracleEvent[]): OracleEvent[] {
  let left = [...events];
  for (const one of rules) {
    const by = byOf(one);
    if (by === undefined || !hasDeadline(one)) continue;
    const isEach = 'absence' in one.when && one.when.absence.restart === 'each';
    const seen = new Set<string>();
    left = left.filter((event) => {
      const value = valueText(by, { event });
      if (value === undefined) return true;
      const tie = `${event.userId} ${event.time} ${isEach ? '' : value}`;
      if (seen.has(tie)) return false;
      seen.add(tie);
      return true;
    });
  }
  return left;
}

/** The rules as one YAML file. */
export function rulesText(rules: readonly OracleRule[]): string {
  return rules.map((one) => stringify(one)).join('---\n');
}
