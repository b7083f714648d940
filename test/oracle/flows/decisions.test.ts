// Without programs the interpreter of flows and the oracle of patterns are asked the same.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  FIGURE_PATTERNS,
  orderedEvents,
  PATTERNS,
  rules,
  shuffledWithin,
  withoutOpenTies,
} from '../../property/generators.ts';
import { decisionLine } from '../notation.ts';
import { decide } from '../oracle.ts';
import { hasDeadline, laneOf } from '../rule.ts';
import { interpret } from './interpreter.ts';
import { OUT_OF_ORDERNESS_MS } from './random.ts';
import type { FlowRule } from './rule.ts';

const RUNS = Math.ceil(100 * Number(process.env['FUZZ_RUNS'] ?? 1));

for (const patterns of [PATTERNS, ['sequence'], FIGURE_PATTERNS]) {
  it(`rules without programs are decided as the oracle of patterns says: ${patterns.join(', ')}`, () => {
    const told = rules(3, { patterns })
      .map((list) => list.filter((rule) => laneOf(rule) === 'event-time' || !hasDeadline(rule)))
      .chain((list) =>
        orderedEvents({ eventsMax: 25, dates: true }).chain((events) =>
          fc.tuple(fc.constant(list), shuffledWithin(withoutOpenTies(list, events), OUT_OF_ORDERNESS_MS)),
        ),
      );
    fc.assert(
      fc.property(told, ([list, events]) => {
        const limits = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, dedupeWindowMs: 1e12, dedupeMax: 1_000 };
        const endOfTime = Math.max(0, ...events.map(({ time }) => time)) + 3_600_000;
        const expected = decide({ rules: list, events, endOfTime, ...limits });
        const inputs = events.map((event) => ({ kind: 'event', event }) as const);
        const { decisions } = interpret({
          rules: list as FlowRule[],
          inputs,
          endOfTime,
          outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
        });
        const text = (one: (typeof decisions)[number]): string =>
          decisionLine({ ...one, reason: one.outcome === 'fired' ? null : one.reason });
        assert.deepEqual(decisions.map(text).sort(), expected.decisions.map(decisionLine).sort());
      }),
      { numRuns: RUNS },
    );
  });
}
