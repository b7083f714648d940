// The actions of the benchmarks of deliveries: each of another person, of the usual size.

import type { Action } from '../schemas/action.ts';
import { makeAction } from '../testing/sample-action.ts';

/** `at`: ms. */
export function benchAction(number: number, at: number): Action {
  return makeAction({
    id: `${number}`.padStart(32, '0'),
    decision: `d${number}`,
    rule: 'bench',
    entity: { type: 'user', id: `user-${number}` },
    at,
    data: { order: number, text: 'x'.repeat(200) },
    context: { profile: { email: `user-${number}@shop.test`, name: 'Somebody' } },
  });
}
