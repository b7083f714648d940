// Records among a plan's events that are no events, or hardly: unreadable, wrong in one field or several, stamped ahead.

import fc from 'fast-check';
import { START } from '../property/generators.ts';
import type { Plan } from './plans.ts';

/** Replaced by an id of its own, so that no garbage that is an event after all is a duplicate. */
const OWN_ID = 'own-id';

const message = { type: 'track', messageId: OWN_ID, userId: 'u1', event: 'add', timestamp: START };
const wrong = fc.oneof(
  fc.constantFrom(null, '', '{', 'null', '[]', '"text"', '7', '\u0000', 'x'.repeat(10_001)),
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        type: fc.oneof(fc.constant('wrong'), fc.jsonValue()),
        event: fc.constantFrom('', null, 7, 'x'.repeat(600)),
        userId: fc.constantFrom('', 7, {}, 'x'.repeat(600)),
        timestamp: fc.constantFrom('yesterday', -1, 1.5, null, 9e15, {}, START + 300_001, START + 600_000),
        properties: fc.constantFrom(7, 'text', []),
        messageId: fc.constantFrom('', 7, []),
      },
      { requiredKeys: [] },
    )
    .map((fields) => JSON.stringify({ ...message, ...fields })),
);
const other = fc.record({ key: fc.oneof(fc.constantFrom('u1', null), fc.string({ minLength: 1 })), value: wrong });

/** Puts a record before some of the events. What they are worth is for the engine to say, but none is a duplicate. */
export function withGarbage(plans: fc.Arbitrary<Plan>): fc.Arbitrary<Plan> {
  return plans.chain((plan) => {
    const length = plan.events.length;
    return fc.array(fc.option(other), { minLength: length, maxLength: length }).map((others) => {
      const entries = others.flatMap((one, place) =>
        one === null ? [] : [[place, withId(one, `g${place}`)] as const],
      );
      return { ...plan, others: new Map(entries) };
    });
  });
}

function withId<Other extends { value: string | null }>(other: Other, id: string): Other {
  return { ...other, value: other.value?.replace(OWN_ID, id) ?? null };
}
