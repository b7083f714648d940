// Random runs: rules, events in an order of arrival, and what happens to the engine meanwhile.

import fc from 'fast-check';
import type { OracleEvent, OracleRule } from '../oracle/oracle.ts';
import {
  orderedEvents,
  type RuleOptions,
  rules,
  rulesText,
  type StreamOptions,
  shuffledBeyond,
  shuffledWithin,
  withoutOpenTies,
} from '../property/generators.ts';
import { type Act, type LiveOptions, moves, OUT_OF_ORDERNESS_MS, tuning } from './live.ts';

export interface PlanOptions {
  readonly rules?: RuleOptions;
  readonly stream?: StreamOptions;
  readonly act: fc.Arbitrary<Act>;
  /** `within`: nothing may be late. */
  readonly shuffle: 'none' | 'within' | 'beyond';
  readonly shape?: fc.Arbitrary<Pick<LiveOptions, 'partitions' | 'sources' | 'keyed'>>;
}

export type Plan = Omit<LiveOptions, 'rules'> & { readonly rules: readonly OracleRule[] };

const ORDERS = {
  none: (events: OracleEvent[]) => fc.constant(events),
  within: (events: OracleEvent[]) => shuffledWithin(events, OUT_OF_ORDERNESS_MS),
  beyond: (events: OracleEvent[]) => shuffledBeyond(events, OUT_OF_ORDERNESS_MS),
};

/** One source, keyed, with one to three partitions. */
export const oneSource = fc.record({ partitions: fc.integer({ min: 1, max: 3 }) });
/** One or two sources, keyed or not. */
export const anySources = fc.record({
  partitions: fc.integer({ min: 1, max: 3 }),
  sources: fc.integer({ min: 1, max: 2 }),
  keyed: fc.boolean(),
});

export function plans(options: PlanOptions): fc.Arbitrary<Plan> {
  const { shape = oneSource, act, shuffle } = options;
  const stream = { eventsMax: 25, ...options.stream };
  const made = fc
    .tuple(rules(4, options.rules), orderedEvents(stream))
    .chain(([rules, ordered]) => {
      const events = withoutOpenTies(rules, ordered);
      return fc.record({ rules: fc.constant(rules), events: ORDERS[shuffle](events) });
    })
    .chain((made) => fc.tuple(fc.constant(made), moves(made.events.length, act)));
  return fc
    .tuple(made, tuning, shape)
    .map(([[{ rules, events }, moves], tuning, shape]) => ({ rules, events, moves, tuning, ...shape }));
}

/** The plan with rules that send, as play() takes it. */
export function sending(plan: Plan): LiveOptions {
  const then = [{ send: { channel: 'webhook' } }];
  return { ...plan, rules: rulesText(plan.rules.map((rule) => ({ ...rule, then }))) };
}
