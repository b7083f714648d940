// The actions of the benchmarks of deliveries: each of another person, of the usual size.

import type { Action } from '../schemas/action.ts';

/** `at`: ms. */
export function benchAction(number: number, at: number): Action {
  return {
    id: `${number}`.padStart(32, '0'),
    decision: `d${number}`,
    rule: 'bench',
    ruleVersion: 'abcdef012345',
    entity: { type: 'user', id: `user-${number}` },
    at,
    channel: 'webhook',
    fallback: [],
    template: null,
    urgency: 'marketing',
    category: null,
    variant: null,
    flow: null,
    step: 0,
    attempt: 1,
    validUntil: null,
    ratePerSecond: null,
    devices: [],
    data: { order: number, text: 'x'.repeat(200) },
    context: { profile: { email: `user-${number}@shop.test`, name: 'Somebody' } },
  };
}
